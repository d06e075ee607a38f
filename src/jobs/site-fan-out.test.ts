import { expect, test } from 'vitest';
import { z } from 'zod';
import { RequestError } from '../lib/errors.ts';
import { acceptOnSites, withSites } from './site-fan-out.ts';

const sites = ['one', 'two', 'three'];

test('all sites that do not take a request are named, each fault once', () => {
  const accept = () =>
    acceptOnSites({ sites }, (_params, site) => {
      if (site === 'one') return { locks: ['x'], warnings: ['careful'] };
      throw new RequestError('incompatible_runtime', `${site} is too new.`, {
        errors: [
          { pointer: '#/inputs/site', detail: `${site} is too new` },
          { pointer: '#/inputs/serviceDefinition', detail: 'made with ArcMap' },
        ],
      });
    });
  expect(accept).toThrow(
    expect.objectContaining({
      code: 'incompatible_runtime',
      message: 'two is too new. three is too new.',
      facts: {
        errors: [
          { pointer: '#/inputs/sites/1', detail: 'two is too new' },
          { pointer: '#/inputs/serviceDefinition', detail: 'made with ArcMap' },
          { pointer: '#/inputs/sites/2', detail: 'three is too new' },
        ],
      },
    }),
  );
});

test('warnings tell of which site they are, and the parent locks nothing', () => {
  const accepted = acceptOnSites({ sites }, (_params, site) => ({
    locks: [site],
    warnings: site === 'two' ? ['careful'] : [],
  }));
  expect(accepted).toEqual({ locks: [], warnings: ['two: careful'] });
});

test('what a site name must be like is said of its place in the list', () => {
  const Params = z.strictObject({
    site: z.string().refine((name) => name !== 'two', 'is not for this'),
    word: z.string(),
  });
  const { error } = withSites(Params).safeParse({ sites: ['two', 'one'], word: 'hello' });
  expect(error?.issues).toMatchObject([{ path: ['sites', 0], message: 'is not for this' }]);
});
