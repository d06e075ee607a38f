import { expect } from 'vitest';
import { test } from '../../test/support/document-folder.ts';
import { fuzzOnce, gatherSeeds } from '../../test/support/document-fuzz.ts';

const rounds = 120;

/** A small part of `npm run fuzz -- documents`, the same every time. */
test('documents that were changed by chance end in content or a plain refusal', async ({
  folder,
}) => {
  const seeds = await gatherSeeds(folder.path);
  for (let round = 0; round < rounds; round += 1) {
    expect(await fuzzOnce(round, { seed: 2026, seeds, folder: folder.path })).toBeUndefined();
  }
});
