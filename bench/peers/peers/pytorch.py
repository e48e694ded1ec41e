"""PyTorch on one thread: `python pytorch.py`, driven as bench/peers/child.mjs is; the instruction set is
chosen by environment variables. `python pytorch.py startup` prints what bench/peers/startup.mjs does."""

import json
import os
import sys
import time

START = time.perf_counter()

import torch
import torch.nn.functional as F

MOST = 400


def read_arrays(entries, file):
    with open(file, "rb") as stream:
        data = bytearray(stream.read())
    arrays = {}
    for entry in entries:
        dtype = torch.int32 if entry["dtype"] == "i32" else torch.float32
        flat = torch.frombuffer(data, dtype=dtype, count=entry["length"], offset=entry["offset"])
        arrays[entry["name"]] = flat.clone().reshape(entry["shape"])
    return arrays


class Task:
    def __init__(self, call, values=None):
        self.call = call
        self.values = values


def batches_in(arrays):
    """Pairs x, y; labels as int64, which is what PyTorch's losses and embeddings take."""
    pairs = []
    while f"x{len(pairs)}" in arrays:
        x, y = arrays[f"x{len(pairs)}"], arrays[f"y{len(pairs)}"]
        pairs.append((x.long() if x.dtype == torch.int32 else x, y.long()))
    return pairs


def is_weight(name):
    return not (name in ("a", "b") or name[0] in "xy" and name[1:].isdigit())


def mlp(workload):
    last = len(workload["sizes"]) - 2

    def logits(w, stats, x):
        for layer in range(last + 1):
            x = F.linear(x, w[f"linear{layer}.weight"], w[f"linear{layer}.bias"])
            if layer < last:
                if workload["batchNorm"]:
                    x = batch_norm(w, stats, f"norm{layer}", x)
                x = F.relu(x)
        return x

    return logits


def batch_norm(w, stats, name, x):
    weight, bias = w[f"{name}.weight"], w[f"{name}.bias"]
    if name not in stats:
        stats[name] = (torch.zeros_like(weight), torch.ones_like(weight))
    return F.batch_norm(x, *stats[name], weight, bias, training=True, momentum=0.1, eps=1e-5)


def cnn(workload):
    def logits(w, stats, x):
        for layer in range(len(workload["channels"]) - 1):
            x = F.conv2d(x, w[f"conv{layer}.weight"], w[f"conv{layer}.bias"], padding=1)
            x = F.max_pool2d(F.relu(batch_norm(w, stats, f"norm{layer}", x)), 2)
        return F.linear(x.flatten(1), w["linear.weight"], w["linear.bias"])

    return logits


def attention(q, k, v, past):
    """Causal; PyTorch's own fused form where it has one (2.0 and later)."""
    if hasattr(F, "scaled_dot_product_attention"):
        return F.scaled_dot_product_attention(q, k, v, is_causal=True)
    scores = (q @ k.transpose(-2, -1)) * q.shape[-1] ** -0.5
    return F.softmax(scores.masked_fill(past, float("-inf")), dim=-1) @ v


def gpt(workload):
    context, width, heads = workload["context"], workload["width"], workload["heads"]
    past = torch.ones(context, context).tril() == 0

    def logits(w, stats, tokens):
        def affine(x, name):
            return F.linear(x, w[f"{name}.weight"], w[f"{name}.bias"])

        def norm(x, name):
            return F.layer_norm(x, (width,), w[f"{name}.weight"], w[f"{name}.bias"])

        batch = tokens.shape[0]
        x = F.embedding(tokens, w["tokens.weight"]) + w["positions.weight"]
        for at in range(workload["blocks"]):
            block = f"blocks.{at}"
            parts = affine(norm(x, f"{block}.norm1"), f"{block}.attention.in_proj").chunk(3, -1)
            shape = (batch, context, heads, width // heads)
            q, k, v = (part.view(shape).transpose(1, 2) for part in parts)
            mixed = attention(q, k, v, past).transpose(1, 2).reshape(batch, context, width)
            x = x + affine(mixed, f"{block}.attention.out_proj")
            hidden = F.gelu(affine(norm(x, f"{block}.norm2"), f"{block}.mlp.0"))
            x = x + affine(hidden, f"{block}.mlp.2")
        return affine(norm(x, "norm"), "head")

    return logits


def make_training(workload, arrays):
    weights = {n: a.clone().requires_grad_() for n, a in arrays.items() if is_weight(n)}
    logits = {"mlp": mlp, "cnn": cnn, "gpt": gpt}[workload["kind"]](workload)
    if "betas" in workload:
        rates = {"lr": workload["lr"], "betas": workload["betas"], "eps": workload["eps"]}
        optimizer = torch.optim.Adam(weights.values(), **rates)
    else:
        rates = {"lr": workload["lr"], "momentum": workload["momentum"]}
        optimizer = torch.optim.SGD(weights.values(), **rates)
    batches, stats, classes = batches_in(arrays), {}, workload["classes"]

    def call(turn):
        x, y = batches[turn % len(batches)]
        loss = F.cross_entropy(logits(weights, stats, x).view(-1, classes), y.view(-1))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        return loss.item()

    return Task(call)


def probe(values):
    flat = values.flatten()
    count = min(64, flat.numel())
    return [flat[at * flat.numel() // count].item() for at in range(count)]


def make_operation(workload, arrays):
    a, b = arrays["a"], arrays["b"]
    out = torch.empty_like(a)
    operation = {
        "AB": lambda: torch.mm(a, b, out=out),
        "AtB": lambda: torch.mm(a.t(), b, out=out),
        "ABt": lambda: torch.mm(a, b.t(), out=out),
        "add": lambda: torch.add(a, b, out=out),
        "exp": lambda: torch.exp(a, out=out),
        "tanh": lambda: torch.tanh(a, out=out),
        "sigmoid": lambda: torch.sigmoid(a, out=out),
        "gelu": lambda: torch.ops.aten.gelu.out(a, out=out),
    }[workload.get("op") or workload["form"]]

    def call(turn):
        with torch.no_grad():
            operation()

    return Task(call, lambda: probe(operation()))


def make(request):
    workload, arrays = request["workload"], read_arrays(request["entries"], request["file"])
    simple = workload["kind"] in ("gemm", "map")
    task = (make_operation if simple else make_training)(workload, arrays)
    losses, spent, ms, checks = [], 0, 0, workload["checks"]
    while len(losses) < checks:
        if len(losses) >= (2 if ms > request["slow"] else 3) and spent >= request["checking"]:
            break
        start = time.perf_counter()
        losses.append(task.call(len(losses)))
        ms = 1e3 * (time.perf_counter() - start)
        spent += ms if len(losses) > 1 else 0
    return task, {"values": task.values() if task.values else losses, "ms": ms}


def run(task, turn, ms, warm):
    for _ in range(warm):
        task.call(turn)
        turn += 1
    samples, before = [], time.perf_counter()
    end = before + ms / 1e3
    while True:
        task.call(turn)
        turn += 1
        now = time.perf_counter()
        samples.append(1e3 * (now - before))
        before = now
        if now >= end:
            break
    every = -(-len(samples) // MOST)
    return turn, {"calls": len(samples), "samples": samples[::every]}


def blas():
    """The library that multiplies matrices: the one that is mapped, or what PyTorch was built with."""
    try:
        with open("/proc/self/maps") as maps:
            paths = {line.split()[-1] for line in maps if "blas" in line.lower() and ".so" in line}
        names = sorted(os.path.basename(os.path.realpath(path)) for path in paths)
    except OSError:
        names = []
    folders = " ".join(os.path.realpath(path) for path in paths) if names else ""
    if "openblas" in folders:
        return "OpenBLAS"
    if torch.backends.mkl.is_available():
        return "MKL"
    return f"reference {names[0]}" if names else "unknown"


def first_gradient():
    """ms from before the import of PyTorch to the gradient of Σ x² + sin x at three points."""
    x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
    (x.square() + x.sin()).sum().backward()
    x.grad.tolist()
    print(1e3 * (time.perf_counter() - START))


def main():
    torch.set_num_threads(1)
    torch.mm(torch.ones(2, 2), torch.ones(2, 2))
    write = lambda answer: print(json.dumps(answer), flush=True)  # noqa: E731
    about = {"version": torch.__version__, "python": sys.version.split()[0], "blas": blas()}
    write({"about": about})
    task, turn = None, 0
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if request["do"] == "make":
                task, answer = make(request)
                turn = request["workload"]["checks"]
            elif request["do"] == "run":
                turn, answer = run(task, turn, request["ms"], request.get("warm", 1))
            else:
                task, answer = None, {}
        except Exception as error:  # noqa: BLE001: whatever it is, the answer says it
            answer = {"cannot": str(error).split("\n")[0]}
        write(answer)


first_gradient() if sys.argv[1:] == ["startup"] else main()
