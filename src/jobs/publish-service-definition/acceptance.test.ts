import { expect, test } from 'vitest';
import { databaseOf, definitionContent } from '../../../test/support/definition-content.ts';
import type { ServiceDefinitionContent } from '../../documents/service-definition.ts';
import { RequestError } from '../../lib/errors.ts';
import type { SiteRecord } from '../site-records.ts';
import { acceptPublishing, inShort, wantedTarget } from './acceptance.ts';
import { PublishServiceDefinitionParams } from './schema.ts';

const site: SiteRecord = {
  readAt: '',
  health: 'up',
  slots: 1,
  version: '10.9.1',
  isFederated: false,
};
const arcMap = { runtime: 'ArcMap' as const };
const copied = databaseOf({ kind: 'path', path: 'roads.gdb' }, { isCopied: true });

type Asked = {
  inputs?: object;
  content?: Partial<ServiceDefinitionContent>;
  siteRecord?: SiteRecord | undefined;
};

function accept({ inputs = {}, content = {}, siteRecord = site }: Asked = {}) {
  const serviceDefinition = {
    ...{ uploadId: 'u1', owner: 'ci', name: 'roads.sd', sizeBytes: 1, sha256: '', createdMs: 1 },
    content: definitionContent(content),
  };
  const facts = { uploads: { serviceDefinition }, ...(siteRecord && { siteRecord }) };
  return acceptPublishing(paramsOf(inputs), facts);
}

function paramsOf(inputs: object): PublishServiceDefinitionParams {
  return PublishServiceDefinitionParams.parse({
    site: 'demo',
    serviceDefinition: { href: 'x' },
    ...inputs,
  });
}

function refusalOf(asked: Asked): unknown {
  try {
    return accept(asked);
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    const [fault] = error.facts.errors as { pointer: string }[];
    return { code: error.code, at: fault?.pointer, detail: error.message };
  }
}

test('what nothing stands against is accepted, with the lock of its service in one case', () => {
  expect(accept()).toEqual({
    locks: ['demo:service:roads.mapserver'],
    warnings: [],
    service: 'Roads.MapServer',
  });
  const inputs = { folder: 'Transport', serviceName: 'Streets' };
  expect(accept({ inputs }).locks).toEqual(['demo:service:transport/streets.mapserver']);
});

test('what is not said comes from the definition; "/" is the root', () => {
  const content = definitionContent({ folder: 'Transport' });
  expect(wantedTarget(paramsOf({}), content)).toEqual({
    folder: 'Transport',
    serviceName: 'Roads',
    type: 'MapServer',
  });
  for (const folder of ['/', ''])
    expect(wantedTarget(paramsOf({ folder }), content).folder).toBe('');
});

test('a file that is no definition is refused', () => {
  const upload = {
    uploadId: 'u1',
    owner: 'ci',
    name: 'a.txt',
    sizeBytes: 1,
    sha256: '',
    createdMs: 1,
  };
  for (const uploads of [{}, { serviceDefinition: upload }])
    expect(() => acceptPublishing(paramsOf({}), { uploads })).toThrow(
      expect.objectContaining({ code: 'unreadable_document' }),
    );
});

test('a name that cannot be one is refused where it stands, with one that can', () => {
  expect(refusalOf({ content: { serviceName: 'My Roads (2)' } })).toMatchObject({
    code: 'validation_error',
    at: '#/inputs/serviceDefinition',
    detail: expect.stringContaining('Suggested serviceName: My_Roads_2_'),
  });
  expect(refusalOf({ content: { folder: 'a/b' } })).toMatchObject({
    at: '#/inputs/serviceDefinition',
    detail: expect.stringContaining('a_b'),
  });
  const asked = {
    inputs: { serviceName: 'Roads', folder: '/' },
    content: { serviceName: 'My Roads', folder: 'a b' },
  };
  expect(accept(asked).locks).toEqual(['demo:service:roads.mapserver']);
  expect(accept({ content: { serviceName: 'Straßen_道路_2' } }).warnings).toEqual([]);
});

test('a hosted layer is refused where it is known to be in vain, else warned about', () => {
  expect(refusalOf({ content: { isHosted: true } })).toMatchObject({
    code: 'hosted_definition',
    at: '#/inputs/serviceDefinition',
  });
  expect(
    accept({ content: { isHosted: true }, siteRecord: { ...site, isFederated: true } }).warnings,
  ).toEqual([]);
  const { isFederated: _, ...unknown } = site;
  expect(accept({ content: { isHosted: true }, siteRecord: unknown }).warnings).toEqual([
    expect.stringContaining('hosted layer'),
  ]);
});

test('a site that was never read hinders nothing', () => {
  const serviceDefinition = {
    ...{ uploadId: 'u1', owner: 'ci', name: 'roads.sd', sizeBytes: 1, sha256: '', createdMs: 1 },
    content: definitionContent({ ...arcMap, isHosted: true }),
  };
  const { warnings } = acceptPublishing(paramsOf({}), { uploads: { serviceDefinition } });
  expect(warnings).toEqual([expect.stringContaining('hosted layer')]);
});

test.for([
  ['10.8.1', 'fine'],
  ['10.9.1', 'warning'],
  ['10.91', 'warning'],
  ['11.0', 'refused'],
  ['11.3.0', 'refused'],
] as const)('a definition of ArcMap on %s: %s', ([version, what]) => {
  const answer = refusalOf({ content: arcMap, siteRecord: { ...site, version } });
  const expected = {
    fine: { warnings: [] },
    warning: { warnings: [expect.stringContaining('ArcMap Runtime Support')] },
    refused: { code: 'incompatible_runtime' },
  };
  expect(answer).toMatchObject(expected[what]);
});

test('data that come along are refused only if that is asked for', () => {
  const content = { databases: [copied, databaseOf({ kind: 'path', path: 'c:/x' })] };
  expect(refusalOf({ content, inputs: { copiedData: 'refuse' } })).toMatchObject({
    code: 'copied_data_refused',
    at: '#/inputs/copiedData',
    detail: expect.stringContaining('DBO.ROADS'),
  });
  const unlisted = { databases: [{ ...copied, name: 'roads.gdb', datasets: [] }] };
  expect(refusalOf({ content: unlisted, inputs: { copiedData: 'refuse' } })).toMatchObject({
    code: 'copied_data_refused',
    detail: expect.stringContaining('roads.gdb'),
  });
  expect(accept({ content }).warnings).toEqual([]);
  expect(accept({ content, siteRecord: { ...site, isDataCopyBlocked: true } }).warnings).toEqual([
    expect.stringContaining('does not allow data to be copied'),
  ]);
});

test('passwords in a definition are warned about by place, not by value', () => {
  const secretsFound = [{ where: 'a.msd' }, { where: 'a.msd' }, { where: 'b.xml' }];
  expect(accept({ content: { secretsFound } }).warnings).toEqual([
    expect.stringContaining('in a.msd, b.xml;'),
  ]);
});

test('long lists are told in short', () => {
  const names = Array.from({ length: 14 }, (_, index) => `n${index}`);
  expect(inShort(names)).toMatch(/n11 and 2 more$/);
  expect(inShort(names.slice(0, 12))).not.toContain('more');
});
