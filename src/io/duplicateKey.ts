const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/**
 * The first key that stands twice in the outermost object of `json` or in one of the objects
 * directly within it: `JSON.parse` would keep the last value without a word. `json` is known to
 * be valid, so that a string followed by a colon is a key. Walks characters: a regular expression
 * can exhaust its stack.
 */
export function duplicateKey(json: string): string | undefined {
  const outer = new Set<string>();
  const inner = new Set<string>();
  let depth = 0;
  let start = 0;
  let end = 0;
  for (let i = 0; i < json.length; i++) {
    const character = json.charCodeAt(i);
    if (character === QUOTE) {
      start = i++;
      while (json.charCodeAt(i) !== QUOTE) i += json.charCodeAt(i) === BACKSLASH ? 2 : 1;
      end = i + 1;
    } else if (json[i] === "{") {
      if (++depth === 2) inner.clear();
    } else if (json[i] === "}") depth--;
    else if (json[i] === ":" && depth <= 2) {
      const keys = depth === 1 ? outer : inner;
      const key = JSON.parse(json.slice(start, end)) as string;
      if (keys.has(key)) return key;
      keys.add(key);
    }
  }
  return undefined;
}
