const mostCompared = 2_000;
const maxLength = 200;

/**
 * What a name was most likely meant to be: by the pairs of letters that both have (Dice), so that a letter too much, a
 * group that was forgotten or another order of words does not matter. The nearest first.
 */
export function nearestNames(wanted: string, names: readonly string[], most: number): string[] {
  const own = pairsOf(wanted);
  return [...new Set(names)]
    .slice(0, mostCompared)
    .map((name) => ({ name, likeness: likeness(own, pairsOf(name)) }))
    .sort((one, other) => other.likeness - one.likeness) // those that are alike in nothing keep their order
    .slice(0, most)
    .map(({ name }) => name);
}

/** The nearest in words, and how many more there are. */
export function listNearest(wanted: string, names: readonly string[], most = 10): string {
  const shown = nearestNames(wanted, names, most);
  if (shown.length === 0) return 'none';
  const more = new Set(names).size - shown.length;
  return `${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

function pairsOf(text: string): Map<string, number> {
  const letters = ` ${text
    .toLowerCase()
    .slice(0, maxLength)
    .replaceAll(/[*?\s]+/g, ' ')} `;
  const pairs = new Map<string, number>();
  for (let at = 0; at + 1 < letters.length; at += 1) {
    const pair = letters.slice(at, at + 2);
    pairs.set(pair, (pairs.get(pair) ?? 0) + 1);
  }
  return pairs;
}

function likeness(one: ReadonlyMap<string, number>, other: ReadonlyMap<string, number>): number {
  let common = 0;
  for (const [pair, count] of one) common += Math.min(count, other.get(pair) ?? 0);
  const all = [...one.values(), ...other.values()].reduce((sum, count) => sum + count, 0);
  return all === 0 ? 0 : (2 * common) / all;
}
