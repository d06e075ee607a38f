/** Index of the first of some sorted places that is not before `place`; looked for between two indexes. */
export function firstFrom(
  places: readonly number[],
  place: number,
  { from = 0, until = places.length }: { from?: number; until?: number } = {},
): number {
  let [low, high] = [from, until];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((places[middle] ?? 0) < place) low = middle + 1;
    else high = middle;
  }
  return low;
}
