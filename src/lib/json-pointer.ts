/** RFC 6901, in fragment form. */
export function toPointer(path: readonly PropertyKey[]): string {
  const parts = path.map((part) => toPart(String(part)));
  return `#${parts.map((part) => `/${part}`).join('')}`;
}

function toPart(text: string): string {
  if (/^[\w.-]*$/.test(text)) return text;
  return encodeURIComponent(
    text
      .replaceAll(/\p{Surrogate}/gu, '\ufffd')
      .replaceAll('~', '~0')
      .replaceAll('/', '~1'),
  );
}
