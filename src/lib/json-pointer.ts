/** RFC 6901, in fragment form. */
export function toPointer(path: readonly PropertyKey[]): string {
  const parts = path.map((part) =>
    String(part)
      .replaceAll(/\p{Surrogate}/gu, '\ufffd')
      .replaceAll('~', '~0')
      .replaceAll('/', '~1'),
  );
  return `#${parts.map((part) => `/${encodeURIComponent(part)}`).join('')}`;
}
