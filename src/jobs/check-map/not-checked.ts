import type { CheckMapResult } from './schema.ts';

/** Plainly said with every answer: a map without a finding is not a map without a fault. */
export const notChecked: CheckMapResult['notChecked'] = [
  {
    codes: ['00003', '00032'],
    what: 'whether the data are there and the account may read them: only what the document says is looked at',
  },
  { codes: ['00007'], what: 'whether definition queries fit the fields and the syntax' },
  {
    codes: ['00047', '10001', '20028', '24027'],
    what: 'the coordinate systems of the data, and whether they are that of the map',
  },
  {
    codes: ['00006', '00013', '00019', '00085', '20025'],
    what: 'whether a service can draw each renderer, symbol and font',
  },
  { codes: ['00396'], what: 'field types and datasets that are newer than the site' },
  { codes: ['00144', '00147'], what: 'licences and extensions of the site' },
  {
    codes: ['00059', '00186', '10057', '24033', '24034'],
    what: 'registration with the geodatabase, versioning, indexes, z and m values',
  },
  { codes: ['24014', '24016', '24020', '24022'], what: 'networks, mosaics and locators' },
];
