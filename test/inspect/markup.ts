/** Reading XML that this library writes: well-formed, or an error that says where it is not. */

export interface Element {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: (Element | string)[];
}

const decode = (text: string): string =>
  text
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&quot;", '"')
    .replaceAll("&#39;", "'")
    .replaceAll("&amp;", "&");

export function parseXml(text: string): Element {
  const root: Element = { name: "", attributes: {}, children: [] };
  const open: Element[] = [root];
  const token = /<(\/?)([a-zA-Z]+)((?:\s+[\w:-]+="[^"<]*")*)\s*(\/?)>|([^<]+)/y;
  while (token.lastIndex < text.length) {
    const at = token.lastIndex;
    const found = token.exec(text);
    if (!found) throw new Error(`not well-formed at ${at}: ${text.slice(at, at + 60)}`);
    const [, closing, name = "", attributes = "", empty, content] = found;
    const parent = open.at(-1) as Element;
    if (content !== undefined) {
      if (/&(?!(lt|gt|quot|amp|#39);)/.test(content)) throw new Error(`bare & at ${at}`);
      parent.children.push(decode(content));
    } else if (closing) {
      if (parent.name !== name) throw new Error(`${parent.name} is closed by ${name} at ${at}`);
      open.pop();
    } else {
      const pairs = [...attributes.matchAll(/([\w:-]+)="([^"]*)"/g)];
      const made: Element = {
        name,
        attributes: Object.fromEntries(pairs.map(([, key, value = ""]) => [key, decode(value)])),
        children: [],
      };
      parent.children.push(made);
      if (!empty) open.push(made);
    }
  }
  if (open.length !== 1) throw new Error(`${open.at(-1)?.name} is not closed`);
  return root;
}

/** All elements below one, in the order of the document. */
export function* elementsOf(element: Element): Generator<Element> {
  for (const child of element.children)
    if (typeof child !== "string") {
      yield child;
      yield* elementsOf(child);
    }
}

export const textOf = ({ children }: Element): string =>
  children.map((child) => (typeof child === "string" ? child : textOf(child))).join("");
