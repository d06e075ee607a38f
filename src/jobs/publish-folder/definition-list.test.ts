import { expect, test } from 'vitest';
import { parseList } from './definition-list.ts';

const row = (definition: string, folder?: string, serviceName?: string) => ({
  definition,
  ...(folder !== undefined && { folder }),
  ...(serviceName !== undefined && { serviceName }),
});

test.each([
  ['the lines of the example of Esri', 'C:\\a\\roads.sd|Transport|Roads|default\r\nparcels.sd||'],
  ['commas', 'C:\\a\\roads.sd,Transport,Roads\nparcels.sd'],
  [
    'headings, quotes and empty lines',
    'definition;folder;name\n"C:\\a\\roads.sd";Transport;Roads\n\n# note\nparcels.sd',
  ],
  ['tabs and a mark of the byte order', '\ufeffC:\\a\\roads.sd\tTransport\tRoads\nparcels.sd\t\t'],
  [
    'JSON',
    '[{"definition":"C:\\\\a\\\\roads.sd","folder":"Transport","serviceName":"Roads"},{"definition":"parcels.sd"}]',
  ],
])('reads %s', (_what, text) => {
  expect(parseList(text, '#')).toEqual([
    row('C:\\a\\roads.sd', 'Transport', 'Roads'),
    row('parcels.sd'),
  ]);
});

test('a quoted column may hold what parts columns, and quotes', () => {
  expect(parseList('"a,b ""c"".sd",Folder', '#')).toEqual([row('a,b "c".sd', 'Folder')]);
});

test.each([
  ['nothing', '\n# only a note\n', 'no line names a definition'],
  ['a line without a definition', 'roads.sd\n|Transport|x', 'line 2 names no definition'],
  ['broken JSON', '[{"definition":', 'it begins like JSON and is none'],
  ['JSON of another shape', '[{"folder":"x"}]', '0.definition'],
])('says what is wrong with %s', (_what, text, words) => {
  expect(() => parseList(text, '#/inputs/list')).toThrow(
    expect.objectContaining({
      facts: {
        errors: expect.arrayContaining([
          expect.objectContaining({
            pointer: '#/inputs/list',
            detail: expect.stringContaining(words),
          }),
        ]),
      },
    }),
  );
});
