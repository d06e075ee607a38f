/**
 * Matches letters against `*` and `?` without regard to case and kind of slash, in linear memory and without
 * going back more than to the last star.
 *
 * @returns what each star stood for, or undefined when it does not match
 */
export function matchWildcard(wildcard: string, text: string): string[] | undefined {
  const pattern = fold(wildcard);
  const subject = fold(text);
  const original = text.length === subject.length ? text : subject;
  let at = 0;
  let index = 0;
  let star = -1;
  let resume = 0;
  while (at < subject.length) {
    const wanted = pattern[index];
    if (wanted === '*') {
      star = index;
      resume = at;
      index += 1;
    } else if (wanted === '?' || (wanted !== undefined && wanted === subject[at])) {
      at += 1;
      index += 1;
    } else {
      if (star < 0) return undefined;
      index = star + 1;
      resume += 1;
      at = resume;
    }
  }
  while (pattern[index] === '*') index += 1;
  if (index < pattern.length) return undefined;
  return capture(pattern, subject, original);
}

/** Once it is known to match, a second walk tells the shortest text of each star but the last. */
function capture(pattern: string, subject: string, original: string): string[] {
  const parts = pattern.split('*');
  const found: string[] = [];
  let at = parts[0]?.length ?? 0;
  for (let index = 1; index < parts.length; index += 1) {
    const part = parts[index] ?? '';
    const isLast = index === parts.length - 1;
    const next = isLast ? subject.length - part.length : indexOf(subject, part, at);
    found.push(original.slice(at, next));
    at = next + part.length;
  }
  return found;
}

function indexOf(subject: string, part: string, from: number): number {
  for (let at = from; at + part.length <= subject.length; at += 1) {
    let offset = 0;
    while (
      offset < part.length &&
      (part[offset] === '?' || part[offset] === subject[at + offset])
    ) {
      offset += 1;
    }
    if (offset === part.length) return at;
  }
  return subject.length;
}

/** Letter by letter, so that places in it are places in the text itself. */
function fold(text: string): string {
  return text.replaceAll('/', '\\').toLowerCase();
}
