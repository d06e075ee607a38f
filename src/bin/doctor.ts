import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDocumentReader } from '../documents/document-reader.ts';
import { buildServiceDefinition } from '../documents/service-definition-builder.ts';
import type { Config } from '../lib/config.ts';
import { ConfigError } from '../lib/errors.ts';
import { createLog } from '../lib/log.ts';
import { readConfig } from '../lib/read-config.ts';
import { createSecretResolver } from '../lib/secret-reference.ts';
import { readRestInfo } from '../sites/site-reader.ts';
import { openSites, type Sites } from '../sites/sites.ts';
import { checkArcpy } from './check-arcpy.ts';
import { checkConfiguration, checkRedis, checkSecrets, checkStorage } from './check-house.ts';
import { checkSite } from './check-site.ts';
import { parseCommandLine, StoppedError, whenToldToStop } from './command-line.ts';
import { toRedisAddress } from './configuration.ts';
import { type Finding, fail, toText } from './finding.ts';
import { proveReplace } from './prove-replace.ts';

const versionMs = 10_000;

const usage = 'pressroom doctor [--site name] [--json] [--prove-replace [--definition file.sd]]';

type Wishes = {
  site?: string;
  definition?: string;
  isProof: boolean;
  env: NodeJS.ProcessEnv;
  signal: AbortSignal;
};

/** Says what is well and what to mend; exit code 1 when anything fails. */
export async function runDoctor(args: string[], env: NodeJS.ProcessEnv): Promise<void> {
  const { values } = parseCommandLine(usage, {
    args,
    options: {
      site: { type: 'string' },
      json: { type: 'boolean', default: false },
      'prove-replace': { type: 'boolean', default: false },
      definition: { type: 'string' },
    },
  });
  const { site, definition, json, 'prove-replace': isProof } = values;
  if (isProof && site === undefined) {
    throw new ConfigError(
      `--prove-replace publishes a scratch service, so name the site: --site.\n\nUsage: ${usage}`,
    );
  }
  const signal = whenToldToStop();
  try {
    const findings = await examine({
      env,
      signal,
      isProof,
      ...(site !== undefined && { site }),
      ...(definition !== undefined && { definition }),
    });
    const isWell = findings.every(({ level }) => level !== 'fail');
    const text = json ? JSON.stringify({ isWell, findings }, undefined, 2) : toText(findings);
    process.stdout.write(`${text}\n`);
    process.exitCode = isWell ? 0 : 1;
  } catch (error) {
    if (!(error instanceof StoppedError)) throw error;
    process.exitCode = 130;
  }
}

async function examine(wishes: Wishes): Promise<Finding[]> {
  const { env, signal } = wishes;
  const config = await readConfig(env).catch((error: unknown) => {
    if (error instanceof ConfigError) return error;
    throw error;
  });
  if (config instanceof ConfigError) return [toFinding('configuration', 'file', config)];
  if (wishes.isProof) return examineSites(config, wishes);
  return [
    ...checkConfiguration(config, env),
    ...(await checkSecrets(config, createSecretResolver(env))),
    ...(await examineRedis(config, env, signal)),
    ...(await checkStorage(config)),
    ...(await checkArcpy(config, env, signal, await readSiteVersions(config, wishes))),
    ...(await examineSites(config, wishes)),
  ];
}

/** Of the sites that tell it; whatever keeps one from it is told by the checks of that site. */
async function readSiteVersions(
  { sites: configured }: Config,
  { site, env, signal }: Wishes,
): Promise<Record<string, string>> {
  const resolveSecret = createSecretResolver(env);
  const sites = openSites(configured, { resolveSecret, log: createLog({ level: 'silent' }) });
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(versionMs)]);
  try {
    const names = Object.keys(configured).filter((name) => site === undefined || name === site);
    const read = names.map(async (name) => {
      const { version } = await readRestInfo(sites.get(name), { signal: deadline });
      return version === undefined ? [] : [[name, version] as const];
    });
    const settled = await Promise.allSettled(read);
    signal.throwIfAborted();
    return Object.fromEntries(
      settled.flatMap((each) => (each.status === 'fulfilled' ? each.value : [])),
    );
  } finally {
    await sites.close();
  }
}

function toFinding(about: string, check: string, { message }: ConfigError): Finding {
  return { about, check, ...fail(message) };
}

async function examineRedis(
  config: Config,
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<Finding[]> {
  try {
    return await checkRedis(await toRedisAddress(config, createSecretResolver(env)), signal);
  } catch (error) {
    if (error instanceof ConfigError) return [toFinding('redis', 'address', error)];
    throw error;
  }
}

async function examineSites(config: Config, wishes: Wishes): Promise<Finding[]> {
  const names = Object.keys(config.sites);
  const { site: wanted } = wishes;
  if (wanted !== undefined && !names.includes(wanted)) {
    const known = names.length > 0 ? `configured: ${names.join(', ')}` : 'none is configured';
    return [
      { about: `site ${wanted}`, check: 'name', ...fail(`There is no such site; ${known}.`) },
    ];
  }
  const resolveSecret = createSecretResolver(wishes.env);
  const sites = openSites(config.sites, { resolveSecret, log: createLog({ level: 'silent' }) });
  try {
    const findings: Finding[] = [];
    for (const name of wanted === undefined ? names : [wanted]) {
      findings.push(...(await examineSite(sites, name, wishes)));
    }
    return findings;
  } finally {
    await sites.close();
  }
}

function examineSite(sites: Sites, name: string, wishes: Wishes): Promise<Finding[]> {
  const site = sites.get(name);
  return wishes.isProof
    ? withScratch(wishes, (proof) => proveReplace(site, proof))
    : checkSite(site, wishes.signal);
}

/** Without a definition one of our own is made: the simulated site takes it, a real one most likely does not. */
async function withScratch<T>(
  { definition, signal }: Wishes,
  use: (proof: Parameters<typeof proveReplace>[1]) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'pressroom-proof-'));
  const documents = openDocumentReader();
  try {
    const own = join(folder, 'proof.sd');
    if (definition === undefined)
      await buildServiceDefinition(own, { serviceName: 'pressroom_proof' });
    return await use({ definition: definition ?? own, documents, folder, signal });
  } finally {
    await documents.close();
    await rm(folder, { recursive: true, force: true });
  }
}
