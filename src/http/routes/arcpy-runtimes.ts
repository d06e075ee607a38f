import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { RuntimeRecord } from '../../jobs/runtime-records.ts';
import { findMismatch } from '../../jobs/runtime-versions.ts';
import { RequestError } from '../../lib/errors.ts';
import { type Caller, reachesSite, siteReadingScopes } from '../caller.ts';
import type { HttpDeps } from '../http-deps.ts';
import { jsonLink, Link } from '../links.ts';
import { operation } from '../operation.ts';
import { toTime } from '../status-info.ts';

const RuntimeProbe = RuntimeRecord.shape.probe.unwrap();
type RuntimeProbe = z.output<typeof RuntimeProbe>;

const ArcpyRuntime = RuntimeProbe.partial()
  .extend({
    id: z.string().describe('Id of the runtime: it lives as long as its worker'),
    pool: z.string().describe('Pool whose jobs it takes'),
    machine: z.string().describe('Machine it runs on'),
    foundBy: z.string().describe('How its Python was found'),
    state: z
      .enum(['starting', 'idle', 'busy', 'unusable'])
      .describe('`unusable`: ArcPy does not start; it is tried again'),
    detail: z.string().optional().describe('What is wrong, and what to do about it'),
    since: z.iso.datetime().describe('How long it is so'),
    seen: z.iso.datetime().describe('When its worker last said so'),
    processes: z.int().describe('Processes it may keep, each with one job at a time'),
    busy: z.int().describe('Processes with a job'),
    jobs: z.int().describe('Jobs done since its worker started'),
    starts: z.int().describe('Processes started since then'),
    sites: z
      .array(
        z.object({
          site: z.string(),
          version: z.string().describe('Version of the site'),
          mismatch: z.string().optional().describe('What stands against making services for it'),
        }),
      )
      .describe('The configured sites whose version is known'),
    links: z.array(Link),
  })
  .meta({ id: 'ArcpyRuntime' });

const RuntimeList = z
  .object({ runtimes: z.array(ArcpyRuntime), links: z.array(Link) })
  .meta({ id: 'ArcpyRuntimeList' });

const ToolList = z
  .object({ tools: RuntimeRecord.shape.tools, links: z.array(Link) })
  .meta({ id: 'ArcpyToolList' });

const RuntimePath = z.object({ runtimeId: z.string().describe('Id of a runtime') });

type Deps = Pick<HttpDeps, 'runtimes' | 'siteRecords' | 'siteConfigs'>;

/** Where ArcPy is at the moment: read from what live workers say, so nobody is asked. */
export async function arcpyRuntimeRoutes(app: FastifyInstance, deps: Deps): Promise<void> {
  app.get('/arcpy-runtimes', listOperation, async ({ caller, root }) => ({
    runtimes: await Promise.all(
      (await deps.runtimes.list()).map((record) => describe(record, { caller, root, deps })),
    ),
    links: [jsonLink('self', `${root}/v1/arcpy-runtimes`)],
  }));

  app.get('/arcpy-runtimes/:runtimeId', readOperation, async (request) => {
    const { caller, root } = request;
    return describe(await getRuntime(request.params, deps), { caller, root, deps });
  });

  app.get('/arcpy-runtimes/:runtimeId/tools', toolsOperation, async (request) => {
    const { tools } = await getRuntime(request.params, deps);
    return { tools, links: [jsonLink('self', request.root + request.url)] };
  });
}

async function getRuntime(params: unknown, { runtimes }: Deps): Promise<RuntimeRecord> {
  const { runtimeId } = params as z.output<typeof RuntimePath>;
  const record = await runtimes.find(runtimeId);
  if (record) return record;
  throw new RequestError('not_found', 'There is no live runtime of this id.');
}

async function describe(
  record: RuntimeRecord,
  { caller, root, deps }: { caller: Caller; root: string; deps: Deps },
): Promise<z.output<typeof ArcpyRuntime>> {
  const { runtimeId, probe, seenMs, sinceMs, tools: _, ...told } = record;
  const self = `${root}/v1/arcpy-runtimes/${encodeURIComponent(runtimeId)}`;
  return {
    ...probe,
    ...told,
    id: runtimeId,
    since: toTime(sinceMs),
    seen: toTime(seenMs),
    sites: probe ? await compareWithSites(probe, caller, deps) : [],
    links: [jsonLink('self', self), jsonLink('tools', `${self}/tools`)],
  };
}

async function compareWithSites(probe: RuntimeProbe, caller: Caller, deps: Deps) {
  const names = Object.keys(deps.siteConfigs()).filter((name) => reachesSite(caller, name));
  const compared = await Promise.all(
    names.map(async (site) => {
      const version = (await deps.siteRecords.find(site))?.version;
      if (version === undefined) return undefined;
      const mismatch = findMismatch(probe, version);
      return { site, version, ...(mismatch !== undefined && { mismatch }) };
    }),
  );
  return compared.filter((each) => each !== undefined);
}

const listOperation = operation({
  operationId: 'listArcpyRuntimes',
  tag: 'capabilities',
  summary: 'List the ArcPy of all live workers',
  description:
    'Product, version, licence, extensions and conflicts, as each told when it started. None: no worker runs where ArcPy is installed.',
  scopes: siteReadingScopes,
  answers: { 200: { description: 'The runtimes', schema: RuntimeList } },
  problems: [400, 401, 403, 406, 500, 503],
});

const readOperation = operation({
  operationId: 'getArcpyRuntime',
  tag: 'capabilities',
  summary: 'Describe one ArcPy',
  description: 'As in the list.',
  scopes: siteReadingScopes,
  path: RuntimePath,
  answers: { 200: { description: 'The runtime', schema: ArcpyRuntime } },
  problems: [400, 401, 403, 404, 406, 500, 503],
});

const toolsOperation = operation({
  operationId: 'listArcpyTools',
  tag: 'capabilities',
  summary: 'List the tools that may be run there',
  description:
    'The tools of the allow-list `arcpy.tools`, with the parameters that ArcPy tells of system tools. `run-tool` runs no others.',
  scopes: siteReadingScopes,
  path: RuntimePath,
  answers: { 200: { description: 'The tools', schema: ToolList } },
  problems: [400, 401, 403, 404, 406, 500, 503],
});
