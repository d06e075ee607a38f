import { expect, test } from 'vitest';
import type { JsonObject } from '../../sites/answer-shapes.ts';
import { PublishServiceDefinitionParams } from './schema.ts';
import { composeSettings } from './service-settings.ts';

const target = { folder: 'Transport', serviceName: 'Roads', type: 'MapServer' };

/** The configuration of a definition, with a member that nobody knows. */
const documentOf = (service: JsonObject = {}): JsonObject => ({
  folderName: 'Old',
  unknownTop: { a: [1] },
  service: {
    serviceName: 'Draft',
    type: 'MapServer',
    minInstancesPerNode: 1,
    maxInstancesPerNode: 2,
    maxWaitTime: 60,
    configuredState: 'STARTED',
    unknownMember: { keep: 'me' },
    properties: { maxRecordCount: '1000', filePath: 'c:/roads.msd' },
    extensions: [
      {
        typeName: 'FeatureServer',
        enabled: 'false',
        capabilities: 'Query',
        properties: { a: '1' },
      },
    ],
    ...service,
  },
});
const live: JsonObject = {
  serviceName: 'Roads',
  minInstancesPerNode: 3,
  maxInstancesPerNode: 8,
  maxWaitTime: 600,
  configuredState: 'STOPPED',
  properties: { maxRecordCount: '5000', isCached: 'true', filePath: 'd:/live.msd' },
  extensions: [
    {
      typeName: 'FeatureServer',
      enabled: 'true',
      capabilities: 'Query,Update',
      properties: { a: '1' },
    },
    { typeName: 'KmlServer', enabled: 'true' },
  ],
};

function compose(inputs: object, from: JsonObject | undefined, document = documentOf()) {
  const params = PublishServiceDefinitionParams.parse({
    site: 'demo',
    serviceDefinition: { href: 'x' },
    ...inputs,
  });
  const settings = composeSettings(document, target, params, from);
  return { ...settings, service: settings.document.service as JsonObject };
}

test('a new service gets what its definition says, under the name that was asked for', () => {
  const document = documentOf();
  const { document: composed, kept, changed } = compose({}, undefined, document);
  expect(composed).toEqual({
    ...document,
    folderName: 'Transport',
    service: { ...(document.service as JsonObject), serviceName: 'Roads' },
  });
  expect(kept).toEqual([]);
  expect(changed).toEqual([{ key: 'serviceName', from: 'Draft', to: 'Roads' }]);
  expect(document).toEqual(documentOf());
});

test('by default instances, timeouts, state, limits and cache of the live service survive', () => {
  const { service, kept, changed } = compose({}, live);
  expect(service).toMatchObject({
    minInstancesPerNode: 3,
    maxInstancesPerNode: 8,
    maxWaitTime: 600,
    configuredState: 'STOPPED',
    properties: { maxRecordCount: '5000', isCached: 'true', filePath: 'c:/roads.msd' },
    unknownMember: { keep: 'me' },
    extensions: [{ typeName: 'FeatureServer', enabled: 'false' }],
  });
  expect(kept).toEqual([
    { key: 'minInstancesPerNode', value: 3 },
    { key: 'maxInstancesPerNode', value: 8 },
    { key: 'maxWaitTime', value: 600 },
    { key: 'configuredState', value: 'STOPPED' },
    { key: 'properties.maxRecordCount', value: '5000' },
    { key: 'properties.isCached', value: 'true' },
  ]);
  expect(changed).toEqual(
    expect.arrayContaining([
      { key: 'maxInstancesPerNode', from: 2, to: 8 },
      { key: 'properties.isCached', from: null, to: 'true' },
      { key: 'properties.maxRecordCount', from: '1000', to: '5000' },
    ]),
  );
});

test.for([
  ['instances', ['minInstancesPerNode', 'maxInstancesPerNode']],
  ['timeouts', ['maxWaitTime']],
  ['state', ['configuredState']],
  ['limits', ['properties.maxRecordCount']],
  ['cache', ['properties.isCached']],
  ['extensions', ['extensions.FeatureServer.enabled', 'extensions.FeatureServer.capabilities']],
] as const)('keep %s keeps that only', ([keep, keys]) => {
  const { kept, changed } = compose({ keep: [keep] }, live);
  expect(kept.map(({ key }) => key)).toEqual(keys);
  const differing = changed.map(({ key }) => key).filter((key) => key !== 'serviceName');
  expect(differing).toEqual(keep === 'extensions' ? ['extensions'] : keys);
});

test('nothing is kept when nothing shall be', () => {
  expect(compose({ keep: [] }, live)).toMatchObject({
    kept: [],
    changed: [{ key: 'serviceName' }],
  });
});

test('kept extensions are those that the new definition offers', () => {
  const { service } = compose({ keep: ['extensions'] }, live);
  expect(service.extensions).toEqual([
    {
      typeName: 'FeatureServer',
      enabled: 'true',
      capabilities: 'Query,Update',
      properties: { a: '1' },
    },
  ]);
});

test("the caller's own settings win over those of the live service, and are not called kept", () => {
  const overrides = {
    maxInstancesPerNode: 4,
    description: 'new',
    properties: { maxRecordCount: 50, isCached: false, newKey: 'x' },
    extensions: [{ typeName: 'FeatureServer', enabled: false }],
  };
  const { service, kept } = compose(
    { overrides, keep: ['instances', 'limits', 'cache', 'extensions'] },
    live,
  );
  expect(service).toMatchObject({
    description: 'new',
    minInstancesPerNode: 3,
    maxInstancesPerNode: 4,
    properties: { maxRecordCount: '50', isCached: 'false', newKey: 'x', filePath: 'c:/roads.msd' },
    extensions: [{ typeName: 'FeatureServer', enabled: 'false', capabilities: 'Query,Update' }],
  });
  expect(kept.map(({ key }) => key)).toEqual([
    'minInstancesPerNode',
    'extensions.FeatureServer.capabilities',
  ]);
});

test('the state that was asked for wins over the live one', () => {
  expect(compose({ state: 'started' }, live)).toMatchObject({
    service: { configuredState: 'STARTED' },
  });
  expect(compose({ state: 'started' }, live).kept.map(({ key }) => key)).not.toContain(
    'configuredState',
  );
  expect(compose({ state: 'stopped' }, undefined).service.configuredState).toBe('STOPPED');
});

test('extensions are merged by name; an unknown one is added, switched off unless said otherwise', () => {
  const extensions = [
    { typeName: 'FeatureServer', properties: { b: 2 } },
    { typeName: 'WMSServer', enabled: true, properties: { title: 'Roads' } },
    { typeName: 'KmlServer' },
  ];
  const { service } = compose({ overrides: { extensions } }, undefined);
  expect(service.extensions).toEqual([
    {
      typeName: 'FeatureServer',
      enabled: 'false',
      capabilities: 'Query',
      properties: { a: '1', b: '2' },
    },
    { typeName: 'WMSServer', enabled: 'true', capabilities: '', properties: { title: 'Roads' } },
    { typeName: 'KmlServer', enabled: 'false', capabilities: '', properties: {} },
  ]);
});

test('a definition without properties and extensions takes both', () => {
  const bare = { folderName: '', service: { type: 'MapServer' } };
  const overrides = {
    properties: { maxRecordCount: 5 },
    extensions: [{ typeName: 'WMSServer', enabled: true }],
  };
  const { service } = compose({ overrides }, live, bare);
  expect(service).toMatchObject({
    properties: { maxRecordCount: '5' },
    extensions: [{ typeName: 'WMSServer', enabled: 'true' }],
  });
});

test.for(['serviceName', 'type', 'folderName'])('%s is no override', (key) => {
  expect(() => compose({ overrides: { [key]: 'x' } }, undefined)).toThrow(/inputs of their own/);
});
