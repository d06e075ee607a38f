import { openAsBlob } from 'node:fs';
import { buildConnectionFile } from '../../src/documents/connection-file-builder.ts';
import type { Fault, SimulatedSite } from '../../src/simulated-site/simulated-site.ts';
import { run } from './data-stores.ts';
import type { Gateway } from './gateway.ts';

/** Where a scenario plays: one site and one gateway, used by nobody else. */
export type Scene = { site: SimulatedSite; gateway: Gateway };

/** A job that is disturbed at each of its requests, one after the other. A new job type gets an entry below. */
export type Scenario = {
  name: string;
  /** The job type that is disturbed. */
  process: string;
  /** What is there before; jobs that it asks for are not disturbed. */
  arrange?: (scene: Scene) => unknown;
  /** Asks for the job. @returns its id */
  ask: (scene: Scene) => Promise<string>;
  fault?: Fault;
  /** Changing requests that may come again, for twice leaves what once leaves, and why nobody can tell. */
  mayRepeat?: readonly string[];
  /** The changing request that `fault` refuses: whoever is killed before he hears it asks again. */
  refused?: string;
  /** What it does cannot be put back, and dismissed it says so. */
  cannotUndo?: true;
};

type Layers = readonly string[];

type Asking = Pick<Scenario, 'process' | 'ask'>;

const publish = (
  layers: Layers,
  inputs: Record<string, string> = {},
  process = 'publish-service-definition',
): Asking => ({
  process,
  ask: async ({ gateway }) => {
    const definition = await gateway.build({ layers: [...layers] });
    const site: Record<string, string> = 'sites' in inputs ? {} : { site: 'demo' };
    const all = { ...site, folder: 'Transport', ...inputs };
    const { body } = await gateway.publish(definition, all, {}, null, gateway.url, process);
    if (!body.jobID) throw new Error(`${process} was refused: ${JSON.stringify(body)}`);
    return body.jobID;
  },
});

const published = (layers: Layers) => async (scene: Scene) =>
  scene.gateway.ended(await publish(layers).ask(scene), 40_000);

const execute = (process: string, inputs: Record<string, unknown>): Asking => ({
  process,
  ask: async ({ gateway }) => {
    const { status, body } = await run(gateway, process, inputs);
    if (status !== 201) throw new Error(`${process} was refused: ${JSON.stringify(body)}`);
    return body.jobID;
  },
});

/** Two definitions in one request: a parent, and a child for each. */
async function publishBoth({ gateway }: Scene): Promise<string> {
  const form = new FormData();
  for (const [name, value] of Object.entries({ site: 'demo', folder: 'Transport' }))
    form.set(name, value);
  for (const serviceName of ['Roads', 'Rivers'])
    form.append(
      'source',
      await openAsBlob(await gateway.build({ serviceName })),
      `${serviceName}.sd`,
    );
  const path = '/v1/processes/publish-folder/execution';
  const response = await fetch(gateway.url + path, { method: 'POST', body: form });
  return ((await response.json()) as { jobID: string }).jobID;
}

const holding =
  (...items: Parameters<SimulatedSite['control']['addDataItem']>[0][]) =>
  ({ site }: Scene) => {
    for (const item of items) site.control.addDataItem(item);
  };

/** Two services, which nobody published. */
const serving =
  (realTimeState: 'STARTED' | 'STOPPED' = 'STARTED') =>
  ({ site }: Scene) => {
    const json = { configuredState: realTimeState };
    for (const name of ['A', 'B'])
      site.control.addService({ name, layers: ['L'], realTimeState, json });
  };

const both = { site: 'demo', services: { pattern: '*.MapServer' } };
/** The first is changed by then, and has to be put back. */
/** Twice, for a worker that is killed before it hears the refusal asks once more. */
const refusing = (operation: string): Pick<Scenario, 'fault' | 'refused'> => ({
  fault: { kind: 'change-refused', operation, service: 'B', times: 2 },
  refused: operation,
});

/** From the first request of a kind on the data cannot be reached. */
const brokenAfter =
  (operation: string, arrange: Scenario['arrange'] = () => {}) =>
  async (scene: Scene) => {
    await arrange?.(scene);
    const { control } = scene.site;
    const stop = control.onRequest((request) => {
      if (request.operation !== operation || request.phase !== 'after') return;
      stop();
      control.fault({ kind: 'unreachable-data' });
    });
  };

/** The site finds nothing at the path, and does not try for long. */
function impatientStart({ site: { control } }: Scene): void {
  control.onRequest(({ operation, phase }) => {
    if (operation !== 'create-service' || phase !== 'after') return;
    const made = { folder: ortho.folder, name: ortho.serviceName, type: 'ImageServer' };
    control.changeService(made, { maxStartupTime: 1 });
  });
}

const share = {
  path: '/fileShares/roads',
  type: 'folder',
  clientPath: null,
  info: { path: '\\\\files\\gis', dataStoreConnectionType: 'shared', hostName: null },
};
const login = { host: 'db1', database: 'gis', user: 'editor' };
const connectionString = (password: string) =>
  `SERVER=db1;INSTANCE=sde:postgresql:db1;DBCLIENT=postgresql;DATABASE=gis;USER=editor;PASSWORD=${password};VERSION=sde.DEFAULT;AUTHENTICATION_MODE=DBMS`;
const database = (name: string) => ({
  path: `/enterpriseDatabases/${name}`,
  type: 'egdb',
  info: {
    connectionString: connectionString('old one'),
    dataStoreConnectionType: 'shared',
    isManaged: false,
  },
});

/** The connection file of a database goes to the site and comes back as a connection string. */
async function registerConnectionFile({ gateway }: Scene): Promise<string> {
  const file = buildConnectionFile({
    SERVER: 'db1',
    INSTANCE: 'sde:postgresql:db1',
    DBCLIENT: 'postgresql',
    DATABASE: 'gis',
    AUTHENTICATION_MODE: 'DBMS',
    USER: 'editor',
    PASSWORD: Buffer.from('only ArcGIS reads this'),
    VERSION: 'sde.DEFAULT',
  });
  const form = new FormData();
  form.set('site', 'demo');
  form.set('name', 'gisdb');
  form.set('connectionFile', new Blob([new Uint8Array(file)]), 'gisdb.sde');
  const path = '/v1/processes/register-database/execution';
  const response = await fetch(gateway.url + path, { method: 'POST', body: form });
  return ((await response.json()) as { jobID: string }).jobID;
}

const failing: Fault = {
  kind: 'fail-publish',
  messages: ['ERROR 001369: Failed to create the service.'],
  leaves: 'half-made',
};
const edits = { ...both, set: { maxIdleTime: 60 } };
const inAMonth = new Date(Date.now() + 30 * 86_400_000).toISOString();
const permissions = { ...both, public: false, allow: ['Planners'] };
const imagery = {
  path: '/fileShares/data',
  type: 'folder',
  info: { path: '/data', dataStoreConnectionType: 'shared' },
};
const ortho = {
  ...{ site: 'demo', folder: 'Imagery', serviceName: 'Ortho' },
  path: '/data/ortho.tif',
};
const earlier = { site: 'demo', service: 'Transport/Roads.MapServer', version: 1 };

async function publishedTwice(scene: Scene) {
  await published(['Roads', 'Bridges'])(scene);
  const second = publish(['Roads', 'Tunnels'], { ifExists: 'replace' });
  await scene.gateway.ended(await second.ask(scene), 40_000);
}

const folder = { site: 'demo', name: 'roads', path: '\\\\files\\gis' };

export const scenarios: readonly Scenario[] = [
  { name: 'create', ...publish(['Roads', 'Bridges']) },
  {
    name: 'replace',
    arrange: published(['Roads']),
    ...publish(['Roads', 'Bridges', 'Tunnels'], { ifExists: 'replace' }),
  },
  { name: 'undo a create', ...publish(['Roads', 'Bridges']), fault: failing },
  {
    name: 'undo a replacement',
    arrange: published(['Roads']),
    ...publish(['Roads', 'Bridges', 'Tunnels'], { ifExists: 'replace' }),
    fault: { kind: 'fewer-layers', by: 1 },
  },
  { name: 'register a folder', ...execute('register-folder', folder) },
  {
    name: 'undo a registration',
    arrange: brokenAfter('register-item'),
    ...execute('register-folder', folder),
  },
  {
    name: 'register a database',
    ...execute('register-database', {
      site: 'demo',
      name: 'gisdb',
      connection: { ...login, platform: 'postgresql', version: 'sde.DEFAULT', password: 'secret' },
    }),
  },
  { name: 'register a connection file', process: 'register-database', ask: registerConnectionFile },
  {
    name: 'register a store',
    ...execute('register-data-store', {
      site: 'demo',
      name: 'rasters',
      type: 'rasterStore',
      connection: { path: '\\\\files\\rasters' },
    }),
  },
  {
    name: 'update a folder',
    arrange: holding(share),
    ...execute('update-data-store', { site: 'demo', item: share.path, path: '\\\\new\\gis' }),
  },
  {
    name: 'undo an update',
    arrange: brokenAfter('edit-data-item', holding(share)),
    ...execute('update-data-store', { site: 'demo', item: share.path, path: '\\\\new\\gis' }),
  },
  {
    name: 'unregister',
    arrange: holding(share, database('gisdb')),
    ...execute('unregister-data-store', {
      site: 'demo',
      match: { types: ['folder', 'egdb'] },
    }),
  },
  {
    name: 'rotate a password',
    arrange: holding(database('gisdb'), database('more')),
    ...execute('rotate-data-store-password', { site: 'demo', match: login, password: 'new one' }),
    mayRepeat: ['edit-data-item'],
  },
  {
    name: 'validate',
    arrange: holding(share, database('gisdb')),
    ...execute('validate-data-stores', { site: 'demo' }),
  },
  { name: 'start services', arrange: serving('STOPPED'), ...execute('start-services', both) },
  { name: 'stop services', arrange: serving(), ...execute('stop-services', both) },
  {
    name: 'undo a stop of services',
    arrange: serving(),
    ...execute('stop-services', both),
    ...refusing('stop'),
  },
  { name: 'restart services', arrange: serving(), ...execute('restart-services', both) },
  {
    name: 'delete services',
    arrange: serving(),
    ...execute('delete-services', both),
    cannotUndo: true,
  },
  {
    name: 'delete what was published',
    arrange: published(['Roads']),
    ...execute('delete-services', both),
    cannotUndo: true,
  },
  { name: 'edit services', arrange: serving(), ...execute('edit-services', edits) },
  {
    name: 'undo an edit of services',
    arrange: serving(),
    ...execute('edit-services', edits),
    ...refusing('edit'),
  },
  { name: 'permit', arrange: serving(), ...execute('set-service-permissions', permissions) },
  {
    name: 'undo a permission',
    arrange: serving(),
    ...execute('set-service-permissions', permissions),
    ...refusing('add-permission'),
  },
  {
    name: 'serve an image',
    arrange: holding(imagery),
    ...execute('create-image-service', ortho),
  },
  {
    name: 'roll back',
    arrange: publishedTwice,
    ...execute('rollback-service', earlier),
  },
  {
    name: 'undo a roll-back',
    arrange: publishedTwice,
    ...execute('rollback-service', earlier),
    fault: { kind: 'fewer-layers', by: 1 },
  },
  {
    name: 'import a definition',
    arrange: ({ site }) =>
      site.control.addService({
        folder: 'Transport',
        name: 'Roads',
        layers: ['Roads', 'Bridges'],
      }),
    ...publish(['Roads', 'Bridges'], {}, 'import-current-definition'),
  },
  {
    name: 'permit while publishing',
    ...publish(['Roads'], { permissions: '{"public": false, "allow": ["Planners"]}' }),
  },
  { name: 'plan', arrange: published(['Roads']), ...publish(['Bridges'], {}, 'publish-plan') },
  { name: 'publish a folder', process: 'publish-folder', ask: publishBoth },
  { name: 'publish on sites', ...publish(['Roads'], { sites: '["demo"]' }) },
  {
    name: 'edit services until',
    arrange: serving(),
    ...execute('edit-services', { ...edits, until: inAMonth }),
  },
  {
    name: 'undo an edit of services until',
    arrange: serving(),
    ...execute('edit-services', { ...edits, until: inAMonth }),
    ...refusing('edit'),
  },
  {
    name: 'edit services back',
    arrange: serving(),
    ...execute('edit-services', {
      site: 'demo',
      putBack: ['A', 'B'].map((name) => ({
        service: `${name}.MapServer`,
        ...{ key: 'maxIdleTime', from: 77, to: 1_800 },
      })),
    }),
  },
  {
    name: 'undo a start of services',
    arrange: serving('STOPPED'),
    ...execute('start-services', both),
    ...refusing('start'),
  },
  {
    name: 'undo an image',
    arrange: impatientStart,
    ...execute('create-image-service', { ...ortho, referencedData: 'warn' }),
  },
  {
    name: 'undo a rotation',
    arrange: brokenAfter('edit-data-item', holding(database('gisdb'), database('more'))),
    ...execute('rotate-data-store-password', { site: 'demo', match: login, password: 'new one' }),
    mayRepeat: ['edit-data-item'],
  },
  {
    name: 'rotate on sites',
    arrange: holding(database('gisdb')),
    ...execute('rotate-data-store-password', {
      ...{ sites: ['demo'], match: login, password: 'new one' },
    }),
    mayRepeat: ['edit-data-item'],
  },
];
