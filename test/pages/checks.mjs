/** What has to be seen in each file: a list of what is wrong, empty when nothing is. */

/** Pairs of texts and gates that have an area in common, as the browser lays them out. */
const overlaps = (tab) =>
  tab.evaluate(() => {
    const shown = ".circuit .label text, .circuit .box:not(.frame) text, .circuit .box:not(.frame)";
    const parts = [...document.querySelectorAll(shown)].map((node) => ({
      node,
      name: node.textContent,
      box: node.getBoundingClientRect(),
    }));
    parts.sort((a, b) => a.box.left - b.box.left);
    const slack = 1;
    const found = [];
    for (const [k, { node, name, box }] of parts.entries())
      for (let next = k + 1; next < parts.length; next++) {
        const other = parts[next];
        if (other.box.left > box.right - slack) break;
        // A gate holds its own text.
        if (node.contains(other.node) || other.node.contains(node)) continue;
        if (box.top < other.box.bottom - slack && other.box.top < box.bottom - slack)
          found.push(`${JSON.stringify(name)} lies on ${JSON.stringify(other.name)}`);
      }
    return found;
  });

const drawn = (tab) => tab.waitForSelector(".stage [data-gate], .stage [data-group]");
/** The drawing moves in its window, which is as large as the browser's: nothing scrolls. */
const whole = (tab) =>
  tab.evaluate(() => {
    const { scrollWidth, scrollHeight, clientWidth, clientHeight } = document.documentElement;
    const fits = scrollWidth <= clientWidth && scrollHeight <= clientHeight;
    return fits ? [] : [`${scrollWidth} × ${scrollHeight} in ${clientWidth} × ${clientHeight}`];
  });
const plainPage = async (tab) => {
  await drawn(tab);
  return [...(await overlaps(tab)), ...(await whole(tab))];
};
const panel = (tab) => tab.locator(".panel").innerText();
const focused = (tab) => tab.evaluate(() => Object.values(document.activeElement.dataset)[0] ?? "");

function expected(name, got, wanted) {
  const right = wanted instanceof RegExp ? wanted.test(got) : got === wanted;
  return right ? [] : [`${name}: got ${JSON.stringify(got)}, expected ${wanted}`];
}

const picture = (name) => ({
  label: `picture of ${name}`,
  file: `${name}.svg`,
  check: async (tab) => {
    const role = await tab.evaluate(() => document.documentElement.getAttribute("role"));
    return [...expected("role", role, "img"), ...(await overlaps(tab))];
  },
});

/** Values and gradients are told apart by their place and a sign, whatever their colour. */
const placement = (tab) =>
  tab.evaluate(() =>
    [...document.querySelectorAll(".circuit .net .label")].flatMap((label) => {
      const middles = (kind) =>
        [...label.querySelectorAll(kind)].map((text) => {
          const { top, bottom } = text.getBoundingClientRect();
          return (top + bottom) / 2;
        });
      const line = label.closest(".net").querySelector(".line").getBoundingClientRect();
      const values = middles(".value");
      const gradients = [...label.querySelectorAll(".gradient")];
      const wrong = [];
      if (gradients.some(({ textContent }) => !textContent.startsWith("∂ ")))
        wrong.push(`no ∂ in ${label.textContent}`);
      if (Math.max(...values) > Math.min(...middles(".gradient")))
        wrong.push(`a value below its gradient in ${label.textContent}`);
      return line.width > 0 ? wrong : [...wrong, `no line at ${label.textContent}`];
    }),
  );

async function notesPage(tab) {
  await drawn(tab);
  const wrong = [...(await overlaps(tab)), ...(await placement(tab))];
  await tab.hover('[data-gate="g1"]');
  wrong.push(...expected("panel of mul", await panel(tab), /1 × −4 = −4[\s\S]*1 × 3 = 3/));
  await tab.hover('[data-wire="w3"] .label');
  wrong.push(...expected("panel of a wire", await panel(tab), /value\s+3\s[\s\S]*gradient\s+−4\s/));
  // From the first button through the buttons into the drawing, from left to right.
  await tab.locator(".bar button").first().focus();
  const stops = [];
  for (let k = 0; k < 20 && stops.length < 7; k++) {
    await tab.keyboard.press("Tab");
    const key = await focused(tab);
    if (key) stops.push(key);
  }
  wrong.push(...expected("tab order", [...stops].sort().join(" "), "g0 g1 w0 w1 w2 w3 w4"));
  wrong.push(...expected("last stop", stops.at(-1), "w4"));
  const outline = await tab.evaluate(() => {
    const line = document.activeElement.querySelector(".line");
    return Number.parseFloat(getComputedStyle(line).strokeWidth);
  });
  if (!(outline > 3)) wrong.push(`focus is not to be seen: a stroke of ${outline}`);
  const label = await tab.evaluate(() => document.activeElement.getAttribute("aria-label"));
  wrong.push(...expected("name", label, /^wire f, value: −12, gradient: 1/));
  const scale = () => tab.evaluate(() => document.querySelector(".stage g").getCTM().a);
  const before = await scale();
  await tab.keyboard.press("+");
  const after = await scale();
  if (!(after > 1.2 * before)) wrong.push(`key +: scale ${before} became ${after}`);
  await tab.keyboard.press("-");
  await tab.hover(".stage");
  await tab.mouse.wheel(0, -200);
  await tab.waitForTimeout(100);
  if (!((await scale()) > 1.2 * before)) wrong.push("the wheel does not scale");
  const place = () => tab.evaluate(() => document.querySelector(".stage g").getCTM().e);
  const from = await place();
  await tab.mouse.move(60, 700);
  await tab.mouse.down();
  await tab.mouse.move(160, 700, { steps: 4 });
  await tab.mouse.up();
  if (Math.abs((await place()) - from - 100) > 2) wrong.push("dragging does not move");
  await tab.getByText("read").click();
  return wrong;
}

async function lossPage(tab) {
  await drawn(tab);
  const wrong = [...(await overlaps(tab)), ...(await placement(tab))];
  const gate = tab.locator('.stage [data-gate][aria-expanded="false"]').first();
  const key = await gate.getAttribute("data-gate");
  const count = () => tab.locator(".stage [data-gate]").count();
  const before = await count();
  await gate.focus();
  await tab.keyboard.press("Enter");
  await tab.waitForSelector(`[data-gate="${key}"][aria-expanded="true"]`);
  wrong.push(...expected("focus after opening", await focused(tab), key));
  if (!((await count()) > before)) wrong.push("nothing came out of the gate");
  wrong.push(...(await overlaps(tab)));
  await tab.keyboard.press("Enter");
  await tab.waitForSelector(`[data-gate="${key}"][aria-expanded="false"]`);
  if ((await count()) !== before) wrong.push("the gate does not close");
  await tab.locator('[data-wire="w0"]').focus();
  if (/−?\d+\.\d+ {2}/.test(await panel(tab))) wrong.push("entries before they were asked for");
  await tab.keyboard.press("Enter");
  wrong.push(...expected("entries", await panel(tab), /38 more of 54/));
  await tab.getByText("open all").click();
  await tab.waitForFunction(() => !document.querySelector('[aria-expanded="false"]'));
  wrong.push(...(await overlaps(tab)));
  await tab.locator(`[data-gate="${key}"]`).focus();
  return wrong;
}

async function largePage(tab) {
  await drawn(tab);
  const wrong = await overlaps(tab);
  const text = await tab.locator("header p").innerText();
  wrong.push(...expected("count", text, /^[5-9],\d\d\d gates/));
  await tab.getByText("open all").click({ noWaitAfter: true });
  await tab.waitForFunction(() => !document.querySelector('[aria-expanded="false"]'), null, {
    timeout: 100_000,
  });
  const gates = Number(text.split(" ")[0].replace(",", ""));
  const shown = await tab.locator(".stage [data-gate]").count();
  if (shown !== gates) wrong.push(`${shown} gates of ${gates} are drawn`);
  await tab.getByText("close all").click();
  await tab.waitForFunction(() => !document.querySelector('[aria-expanded="true"]'));
  return wrong;
}

async function reportPage(tab) {
  await drawn(tab);
  const wrong = await overlaps(tab);
  const titles = await tab.locator("figure h3").allInnerTexts();
  wrong.push(
    ...expected(
      "figures",
      titles.join(", "),
      "Accuracy, Loss, Gradient norms, Updates beside weights, Dead units, Means of batch norms, " +
        "Variances of batch norms, Activations of 2 relu, Memory of a step",
    ),
  );
  const blank = await tab.evaluate(
    () =>
      [...document.querySelectorAll(".chart canvas")].filter((canvas) => {
        const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        return data.every((value) => value === 0);
      }).length,
  );
  const charts = await tab.locator(".chart canvas").count();
  if (charts !== titles.length || blank > 0) wrong.push(`${blank} of ${charts} charts are blank`);
  const text = await tab.locator("main").innerText();
  for (const part of ["2 relu: a tenth is dead <here> (at step 30)", "ab".repeat(32), "a test"])
    if (!text.includes(part)) wrong.push(`no ${part}`);
  await tab.locator("summary").first().focus();
  await tab.keyboard.press("Enter");
  const rows = await tab.locator("figure").first().locator(".scroll tbody tr").allInnerTexts();
  wrong.push(
    ...expected(
      "table",
      rows.map((row) => row.replaceAll(/\s+/g, " ")).join("; "),
      "1 0.4 0.3; 2 0.8 0.7; 3 0.9 0.8",
    ),
  );
  // The wheel scrolls the page, not the drawing in it.
  const wide = await tab.evaluate(
    () => document.documentElement.scrollWidth > document.documentElement.clientWidth,
  );
  if (wide) wrong.push("the page is wider than the window");
  return wrong;
}

const names = ["notes", "staged", "loss"];
export const checks = [
  ...names.flatMap((name) => [picture(name), picture(`${name}Open`)]),
  { label: "page of the notes", file: "notes.html", check: notesPage },
  {
    label: "page of a staged function, dark",
    file: "staged.html",
    options: { colorScheme: "dark" },
    check: plainPage,
  },
  { label: "page of a loss", file: "loss.html", check: lossPage },
  {
    label: "page of a loss, narrow",
    file: "loss.html",
    options: { viewport: { width: 420, height: 800 } },
    check: plainPage,
  },
  { label: "page of 5,000 gates", file: "large.html", check: largePage },
  { label: "report", file: "report.html", check: reportPage },
  {
    label: "report, dark",
    file: "report.html",
    options: { colorScheme: "dark" },
    check: reportPage,
  },
];
