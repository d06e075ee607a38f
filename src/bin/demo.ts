import { access, constants } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { pino } from 'pino';
import { buildServiceDefinition } from '../documents/service-definition-builder.ts';
import { ConfigError } from '../lib/errors.ts';
import { Lifecycle } from '../lib/lifecycle.ts';
import { createLog } from '../lib/log.ts';
import {
  followJob,
  type Job,
  publishFile,
  RefusedError,
  type Results,
  readResults,
  untilSiteIsKnown,
} from './api-caller.ts';
import { parseCommandLine, StoppedError, whenToldToStop } from './command-line.ts';
import { type DemoHouse, openDemoHouse } from './demo-house.ts';
import { OwnProcessError } from './own-process.ts';
import { toProblemText } from './problem-text.ts';
import { ProgressBar } from './progress-bar.ts';

const usage = 'pressroom demo [--once] [file.sd]';
const siteKnownMs = 30_000;
const publishMs = 30 * 60_000;

/**
 * Everything on this machine, and one publish. Stays up until Ctrl-C, or with `--once` ends with exit code
 * 0 when the publish was successful and 1 when it was not.
 */
export async function runDemo(args: string[], env: NodeJS.ProcessEnv): Promise<void> {
  const { values, positionals } = parseCommandLine(usage, {
    args,
    options: { once: { type: 'boolean', default: false } },
    allowPositionals: true,
  });
  const [file, ...more] = positionals;
  if (more.length > 0) throw new ConfigError(`One file at a time.\n\nUsage: ${usage}`);
  if (file !== undefined) await refuseUnreadable(file);
  const signal = whenToldToStop();
  const lifecycle = new Lifecycle(createLog({ level: 'warn', destination: pino.destination(2) }));
  try {
    const house = await openDemoHouse({ env, lifecycle, say, signal });
    tellAddresses(house);
    const hasWorked = await publish(house, file, signal);
    if (!hasWorked) process.exitCode = 1;
    if (hasWorked === 'refused' || values.once) return;
    await stayUp(house, file, signal);
  } catch (error) {
    process.exitCode = tellWhy(error);
  } finally {
    await lifecycle.close();
  }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function refuseUnreadable(file: string): Promise<void> {
  try {
    await access(file, constants.R_OK);
  } catch (error) {
    throw new ConfigError(`The file ${file} cannot be read.\n\nUsage: ${usage}`, { cause: error });
  }
}

function tellAddresses({ api, site, staging, redis, folder }: DemoHouse): void {
  say(`Redis           ${redis}`);
  say(`Site            ${site.url}/rest/services  (simulated: no real ArcGIS Server)`);
  say(`Site staging    ${staging.url}/rest/services  (another one, for requests to several sites)`);
  say(`API             ${api}`);
  say(`Documentation   ${new URL('/docs', api)}`);
  say(`Logs            ${relative(process.cwd(), folder)}/*.log`);
  say('');
}

/** @returns false when the job failed, `refused` when there was none */
async function publish(
  { api, folder, broken }: DemoHouse,
  given: string | undefined,
  signal: AbortSignal,
): Promise<boolean | 'refused'> {
  const file = given ?? (await buildExample(folder));
  await Promise.race([broken, untilSiteIsKnown(api, 'demo', within(siteKnownMs, signal))]);
  say(`Publishing ${basename(file)}${given ? '' : ', a definition made for this demo'}`);
  const bar = new ProgressBar(process.stdout);
  const patience = within(publishMs, signal);
  try {
    const inputs = { site: 'demo', ...(given ? {} : { folder: 'Demo' }) };
    const accepted = await publishFile(api, { file, inputs }, patience);
    const following = followJob(api, accepted.jobID, {
      onLook: (job) => bar.show(toProgress(job)),
      signal: patience,
    });
    const job = await Promise.race([broken, following]);
    bar.end();
    if (job.status !== 'successful') return tellFailure(job, api);
    tellSuccess(await readResults(api, job.jobID, patience), { api, job });
    return true;
  } catch (error) {
    bar.end();
    if (!(error instanceof RefusedError)) throw error;
    say(`Refused: ${toProblemText(error.problem)}`);
    process.exitCode = 1;
    return 'refused';
  }
}

function exampleIn(folder: string): string {
  return join(folder, 'Harbour.sd');
}

async function buildExample(folder: string): Promise<string> {
  const file = exampleIn(folder);
  await buildServiceDefinition(file, {
    serviceName: 'Harbour',
    layers: ['Piers', 'Berths', { name: 'Water', layers: ['Basins', 'Fairways'] }],
    tables: ['Moorings'],
    databases: [{ name: 'harbour.gdb', isCopied: true }],
  });
  return file;
}

function toProgress({ progress, step = 'accepted', message }: Job) {
  return { percent: progress, step, message };
}

function tellSuccess(
  { service, verification, seconds }: Results,
  { api, job }: { api: string; job: Job },
): void {
  const name = [service.folder, `${service.name}.${service.type}`].filter(Boolean).join('/');
  const steps = Object.entries(seconds).map(([step, took]) => `${step} ${took.toFixed(1)} s`);
  const total = Object.values(seconds).reduce((sum, took) => sum + took, 0);
  say(
    `Published ${name} in ${total.toFixed(1)} s: ${service.layers.length} layers, ${service.tables.length} tables, verified: ${verification}`,
  );
  say(`  ${steps.join(', ')}`);
  for (const warning of job.warnings) say(`  Warning: ${warning}`);
  say('');
  say(`Service         ${service.restUrl}?f=json`);
  say(`Job             ${api}/jobs/${job.jobID}`);
  say('');
}

function tellFailure(job: Job, api: string): false {
  say(
    `The job ended as ${job.status}: ${job.exception ? toProblemText(job.exception) : job.message}`,
  );
  say('');
  say(`Job             ${api}/jobs/${job.jobID}`);
  say(`Its messages    ${api}/jobs/${job.jobID}/log`);
  return false;
}

async function stayUp(
  { broken, api, folder }: DemoHouse,
  given: string | undefined,
  signal: AbortSignal,
): Promise<void> {
  const file = relative(process.cwd(), given ?? exampleIn(folder));
  say('');
  say('Publish it once more, under another name:');
  say(`  curl -F site=demo -F serviceName=Again -F serviceDefinition=@${file} \\`);
  say(`    ${api}/processes/publish-service-definition/execution`);
  say('');
  say('Ctrl-C ends the demo and removes all it made.');
  const stopped = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
  if (!signal.aborted) await Promise.race([broken, stopped]);
  say('Stopping');
}

function within(ms: number, signal: AbortSignal): AbortSignal {
  return AbortSignal.any([signal, AbortSignal.timeout(ms)]);
}

/** @returns the exit code */
function tellWhy(error: unknown): number {
  if (error instanceof StoppedError) {
    say('Stopping');
    return 130;
  }
  if (error instanceof OwnProcessError || error instanceof ConfigError) {
    process.stderr.write(`${error.message}\n`);
    return 1;
  }
  process.stderr.write(
    `The demo broke off: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  );
  return 1;
}
