import { buildConnectionFile } from '../../src/documents/connection-file-builder.ts';
import type { Fault, SimulatedSite } from '../../src/simulated-site/simulated-site.ts';
import { run } from './data-stores.ts';
import type { Gateway } from './gateway.ts';

/** Where a scenario plays: one site and one gateway, used by nobody else. */
export type Scene = { site: SimulatedSite; gateway: Gateway };

/** A job that is disturbed at each of its requests, one after the other. A new job type gets an entry below. */
export type Scenario = {
  name: string;
  /** What is there before; jobs that it asks for are not disturbed. */
  arrange?: (scene: Scene) => unknown;
  /** Asks for the job. @returns its id */
  ask: (scene: Scene) => Promise<string>;
  fault?: Fault;
  /** Changing requests that may come again, for twice leaves what once leaves, and why nobody can tell. */
  mayRepeat?: readonly string[];
};

type Layers = readonly string[];

const publish =
  (layers: Layers, inputs: Record<string, string> = {}, processId?: string) =>
  async ({ gateway }: Scene): Promise<string> => {
    const definition = await gateway.build({ layers: [...layers] });
    const all = { site: 'demo', folder: 'Transport', ...inputs };
    const { body } = await gateway.publish(definition, all, {}, null, gateway.url, processId);
    return body.jobID;
  };

const published = (layers: Layers) => async (scene: Scene) =>
  scene.gateway.ended(await publish(layers)(scene), 40_000);

const execute =
  (processId: string, inputs: Record<string, unknown>) =>
  async ({ gateway }: Scene): Promise<string> => {
    const { status, body } = await run(gateway, processId, inputs);
    if (status !== 201) throw new Error(`${processId} was refused: ${JSON.stringify(body)}`);
    return body.jobID;
  };

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
const refusing = (operation: string): Fault => ({
  kind: 'change-refused',
  operation,
  service: 'B',
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
const permissions = { ...both, public: false, allow: ['Planners'] };
const imagery = {
  path: '/fileShares/data',
  type: 'folder',
  info: { path: '/data', dataStoreConnectionType: 'shared' },
};
const earlier = { site: 'demo', service: 'Transport/Roads.MapServer', version: 1 };

async function publishedTwice(scene: Scene) {
  await published(['Roads', 'Bridges'])(scene);
  const second = publish(['Roads', 'Tunnels'], { ifExists: 'replace' });
  await scene.gateway.ended(await second(scene), 40_000);
}

const folder = { site: 'demo', name: 'roads', path: '\\\\files\\gis' };

export const scenarios: readonly Scenario[] = [
  { name: 'create', ask: publish(['Roads', 'Bridges']) },
  {
    name: 'replace',
    arrange: published(['Roads']),
    ask: publish(['Roads', 'Bridges', 'Tunnels'], { ifExists: 'replace' }),
  },
  { name: 'undo a create', ask: publish(['Roads', 'Bridges']), fault: failing },
  {
    name: 'undo a replacement',
    arrange: published(['Roads']),
    ask: publish(['Roads', 'Bridges', 'Tunnels'], { ifExists: 'replace' }),
    fault: { kind: 'fewer-layers', by: 1 },
  },
  { name: 'register a folder', ask: execute('register-folder', folder) },
  {
    name: 'undo a registration',
    arrange: brokenAfter('register-item'),
    ask: execute('register-folder', folder),
  },
  {
    name: 'register a database',
    ask: execute('register-database', {
      site: 'demo',
      name: 'gisdb',
      connection: { ...login, platform: 'postgresql', version: 'sde.DEFAULT', password: 'secret' },
    }),
  },
  { name: 'register a connection file', ask: registerConnectionFile },
  {
    name: 'register a store',
    ask: execute('register-data-store', {
      site: 'demo',
      name: 'rasters',
      type: 'rasterStore',
      connection: { path: '\\\\files\\rasters' },
    }),
  },
  {
    name: 'update a folder',
    arrange: holding(share),
    ask: execute('update-data-store', { site: 'demo', item: share.path, path: '\\\\new\\gis' }),
  },
  {
    name: 'undo an update',
    arrange: brokenAfter('edit-data-item', holding(share)),
    ask: execute('update-data-store', { site: 'demo', item: share.path, path: '\\\\new\\gis' }),
  },
  {
    name: 'unregister',
    arrange: holding(share, database('gisdb')),
    ask: execute('unregister-data-store', {
      site: 'demo',
      match: { types: ['folder', 'egdb'] },
    }),
  },
  {
    name: 'rotate a password',
    arrange: holding(database('gisdb'), database('more')),
    ask: execute('rotate-data-store-password', { site: 'demo', match: login, password: 'new one' }),
    mayRepeat: ['edit-data-item'],
  },
  {
    name: 'validate',
    arrange: holding(share, database('gisdb')),
    ask: execute('validate-data-stores', { site: 'demo' }),
  },
  { name: 'start services', arrange: serving('STOPPED'), ask: execute('start-services', both) },
  { name: 'stop services', arrange: serving(), ask: execute('stop-services', both) },
  {
    name: 'undo a stop of services',
    arrange: serving(),
    ask: execute('stop-services', both),
    fault: refusing('stop'),
  },
  { name: 'restart services', arrange: serving(), ask: execute('restart-services', both) },
  { name: 'delete services', arrange: serving(), ask: execute('delete-services', both) },
  {
    name: 'delete what was published',
    arrange: published(['Roads']),
    ask: execute('delete-services', both),
  },
  { name: 'edit services', arrange: serving(), ask: execute('edit-services', edits) },
  {
    name: 'undo an edit of services',
    arrange: serving(),
    ask: execute('edit-services', edits),
    fault: refusing('edit'),
  },
  { name: 'permit', arrange: serving(), ask: execute('set-service-permissions', permissions) },
  {
    name: 'undo a permission',
    arrange: serving(),
    ask: execute('set-service-permissions', permissions),
    fault: refusing('add-permission'),
  },
  {
    name: 'serve an image',
    arrange: holding(imagery),
    ask: execute('create-image-service', {
      site: 'demo',
      folder: 'Imagery',
      serviceName: 'Ortho',
      path: '/data/ortho.tif',
    }),
  },
  {
    name: 'roll back',
    arrange: publishedTwice,
    ask: execute('rollback-service', earlier),
  },
  {
    name: 'undo a roll-back',
    arrange: publishedTwice,
    ask: execute('rollback-service', earlier),
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
    ask: publish(['Roads', 'Bridges'], {}, 'import-current-definition'),
  },
];
