import { readFile } from 'node:fs/promises';
import { describe, expect } from 'vitest';
import { type DocumentFolder, inspect, test } from '../../test/support/document-folder.ts';
import { draft } from '../../test/support/draft-files.ts';
import { canaryHex } from '../../test/support/map-files.ts';
import { openArchive, readMembers } from './archive.ts';
import { defaultArchiveLimits as limits } from './archive-limits.ts';
import { DraftEdits } from './draft-edits.ts';
import { editDraftFile } from './edit-draft-file.ts';
import { buildServiceDefinition } from './service-definition-builder.ts';

const options = () => ({ limits, deadline: Date.now() + 30_000 });

async function edit(folder: DocumentFolder, document: string, edits: object) {
  const source = document.startsWith('<') ? await folder.write(document) : document;
  const target = folder.newPath();
  const task = { source, target, edits: DraftEdits.parse(edits) };
  const { changes } = await editDraftFile(task, options());
  return { changes, target, text: (await readFile(target)).toString() };
}

const value = (key: string, written: string) =>
  `<Key>${key}</Key><Value xsi:type='xs:string'>${written}</Value>`;

describe('a draft', () => {
  test.for<[string, object, (text: string) => string]>([
    [
      'replaces',
      { replace: true, markPublished: true },
      (text) =>
        text
          .replace(
            '<Type>esriServiceDefinitionType_New<',
            '<Type>esriServiceDefinitionType_Replacement<',
          )
          .replace('<State>esriSDState_Draft<', '<State>esriSDState_Published<'),
    ],
    [
      'is called otherwise, in its three places and no other',
      { serviceName: 'Streets' },
      (text) => text.replaceAll('<Name>Roads</Name>', '<Name>Streets</Name>'),
    ],
    [
      'goes into a folder',
      { folder: 'Transport' },
      (text) =>
        text.replace('<ServiceFolder></ServiceFolder>', '<ServiceFolder>Transport</ServiceFolder>'),
    ],
    [
      'gets texts and tags',
      { summary: 'a <b> & "c"', credits: "d'e", tags: ['one', 't&o'] },
      (text) =>
        text
          .replace('<Snippet></Snippet>', '<Snippet>a &lt;b&gt; &amp; &quot;c&quot;</Snippet>')
          .replace('<Credits></Credits>', '<Credits>d&apos;e</Credits>')
          .replace(
            '<Description></Description><Snippet>',
            "<Description></Description><Tags xsi:type='typens:ArrayOfString'><String>one</String><String>t&amp;o</String></Tags><Snippet>",
          ),
    ],
    [
      'gets capabilities, of the service and of an extension that is switched on',
      {
        capabilities: ['Map', 'Query'],
        extensions: [
          { typeName: 'featureserver', isEnabled: true, capabilities: ['Query', 'Update'] },
        ],
      },
      (text) =>
        text
          .replace('>Map,Query,Data<', '>Map,Query<')
          .replace('<Enabled>false</Enabled>', '<Enabled>true</Enabled>')
          .replace(value('WebCapabilities', ''), value('WebCapabilities', 'Query,Update')),
    ],
    [
      'gets instances, time-outs and a state',
      {
        instances: { min: 0, max: 4, isolation: 'low' },
        timeouts: { usage: 90, wait: 30 },
        state: 'stopped',
      },
      (text) =>
        [
          ...[
            ['MinInstances', '1', '0'],
            ['MaxInstances', '2', '4'],
            ['Isolation', 'high', 'low'],
          ],
          ...[
            ['UsageTimeout', '600', '90'],
            ['WaitTimeout', '60', '30'],
            ['configuredState', 'STARTED', 'STOPPED'],
          ],
        ].reduce(
          (changed, [key = '', before = '', after = '']) =>
            changed.replace(value(key, before), value(key, after)),
          text,
        ),
    ],
    [
      'gets properties: the kind of a value stays, one that is nil gets a text, a new one is put last',
      { properties: { minScale: '5000', MAXRECORDCOUNT: '7', fresh: 'x' } },
      (text) =>
        text
          .replace("<Value xsi:type='xs:double'>0.0<", "<Value xsi:type='xs:double'>5000<")
          .replace(value('maxRecordCount', '1000'), value('maxRecordCount', '7'))
          .replace(
            '5000</Value></PropertySetProperty>',
            `5000</Value></PropertySetProperty><PropertySetProperty xsi:type='typens:PropertySetProperty'>${value('fresh', 'x')}</PropertySetProperty>`,
          ),
    ],
    [
      'copies its data',
      { copyData: true },
      (text) =>
        text
          .replace(value('IncludeDataInSDFile', 'FALSE'), value('IncludeDataInSDFile', 'TRUE'))
          .replace('<ByReference>true<', '<ByReference>false<'),
    ],
    [
      'keeps cache and data of what it replaces',
      { keepCache: true, keepData: true },
      (text) => text.replaceAll(/(<KeepExisting\w+>)false/g, '$1true'),
    ],
  ])('%s; all else stays letter by letter', async ([, edits, wanted], { folder }) => {
    const before = draft();
    const { text, changes } = await edit(folder, before, edits);
    expect(text).toBe(wanted(before));
    expect(changes.length).toBeGreaterThan(0);
  });

  test('of a geoprocessing service has twins of its time-outs, which change too', async ({
    folder,
  }) => {
    const before = draft({ type: 'GPServer' });
    const { text, changes } = await edit(folder, before, { timeouts: { usage: 90 } });
    expect(text).toBe(before.replaceAll(value('UsageTimeout', '600'), value('UsageTimeout', '90')));
    expect(changes).toHaveLength(2);
  });

  test('is inspected as it was edited', async ({ folder }) => {
    const { target } = await edit(folder, draft({ hasPassword: true }), {
      tags: ['a'],
      copyData: true,
    });
    const content = await inspect(target);
    expect(content).toMatchObject({ tags: ['a'], copiesData: true, type: 'MapServer' });
    expect(content).toMatchObject({
      secretsFound: [{ where: 'StagingSettings/ServerConnectionString' }],
    });
    expect(JSON.stringify(content)).not.toMatch(
      new RegExp(`${canaryHex.slice(0, 12)}|Users|author`),
    );
  });

  test.for([
    [
      { extensions: [{ typeName: 'NAServer', isEnabled: true }] },
      'nothing_matched',
      /FeatureServer, KmlServer/,
    ],
    [{ folder: '' }, 'nothing_matched', /as wished already/],
    [{ title: 'x' }, 'nothing_matched', /no ItemInfo\/Title/],
  ] as const)(
    'that cannot be edited so is refused: %j',
    async ([edits, code, message], { folder }) => {
      const document = draft({ item: '<Name>Roads</Name>' });
      await expect(edit(folder, document, edits)).rejects.toMatchObject({
        code,
        message: expect.stringMatching(message),
      });
    },
  );
});

describe('a staged definition', () => {
  async function build(folder: DocumentFolder): Promise<string> {
    const path = folder.newPath('.sd');
    const extensions = [{ typeName: 'FeatureServer', isEnabled: false, capabilities: ['Query'] }];
    await buildServiceDefinition(path, { serviceName: 'Roads', layers: ['A'], extensions });
    return path;
  }

  test('changes its manifest and its configuration, and keeps all other members packed as they were', async ({
    folder,
  }) => {
    const source = await build(folder);
    const { target, changes } = await edit(folder, source, {
      ...{ serviceName: 'Streets', replace: true, capabilities: ['Map'], state: 'stopped' },
      ...{ instances: { max: 6 }, timeouts: { idle: 77 }, properties: { MaxRecordCount: '9' } },
      extensions: [{ typeName: 'FeatureServer', isEnabled: true }],
    });
    expect(changes.map(({ place }) => place.split('/')[0])).toContain('manifest.xml');
    expect(await inspect(target)).toMatchObject({
      ...{
        serviceName: 'Streets',
        publishType: 'Replacement',
        capabilities: ['Map'],
        maxInstances: 6,
      },
      extensions: [{ typeName: 'FeatureServer', isEnabled: true, capabilities: ['Query'] }],
    });
    const [one, other] = await Promise.all(
      [source, target].map((path) => openArchive(path, options())),
    );
    const untouched = (archive: typeof one) =>
      archive?.members
        .filter(({ name }) => !/^(?:manifest\.xml|serviceconfiguration\.json)$/.test(name))
        .map(({ name, crc, sizeBytes }) => ({ name, crc, sizeBytes }));
    expect(untouched(other)).toEqual(untouched(one));
    const member = other?.members.find(({ name }) => name === 'serviceconfiguration.json');
    const [json] = other && member ? (await readMembers(other, [member])).values() : [];
    expect(JSON.parse(String(json)).service).toMatchObject({
      ...{ maxIdleTime: 77, configuredState: 'STOPPED', properties: { maxRecordCount: '9' } },
    });
  });

  test.for([{ title: 'x' }, { tags: ['a'] }, { copyData: true }, { markPublished: true }] as const)(
    'refuses what stands in other members, or was decided by staging: %j',
    async (edits, { folder }) => {
      await expect(edit(folder, await build(folder), edits)).rejects.toMatchObject({
        code: 'edit_refused',
      });
    },
  );
});
