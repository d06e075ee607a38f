import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDocumentReader } from '../documents/document-reader.ts';
import { ConfigError } from '../lib/errors.ts';
import type { Fault } from '../simulated-site/faults.ts';
import { openSimulatedSite } from '../simulated-site/simulated-site.ts';
import { parseCommandLine } from './command-line.ts';

const options = {
  port: { type: 'string', default: '6080' },
  host: { type: 'string', default: '127.0.0.1' },
  context: { type: 'string', default: 'arcgis' },
  version: { type: 'string', default: '10.9.1' },
  username: { type: 'string', default: 'siteadmin' },
  password: { type: 'string' },
  privilege: { type: 'string', default: 'ADMINISTER' },
  federated: { type: 'boolean', default: false },
  'publish-seconds': { type: 'string', default: '3' },
  instances: { type: 'string', default: '2' },
  folder: { type: 'string' },
  'tls-key': { type: 'string' },
  'tls-cert': { type: 'string' },
  fault: { type: 'string', multiple: true },
} as const;

const usage = `pressroom simulated-site [--port 6080] [--host 127.0.0.1] [--context arcgis] [--version 10.9.1] [--federated]
  [--username siteadmin] [--password …] [--privilege ADMINISTER|PUBLISH|ACCESS] [--publish-seconds 3] [--instances 2]
  [--folder …] [--tls-key file --tls-cert file] [--fault '{"kind": …}']…`;

/** `pressroom simulated-site`: a site to try things out on, until SIGTERM or SIGINT. */
export async function runSimulatedSite(args: string[], env: NodeJS.ProcessEnv): Promise<void> {
  const { values } = parseCommandLine(usage, { args, options });
  const password = values.password ?? env.PRESSROOM_SIMULATED_SITE_PASSWORD;
  const faults = (values.fault ?? []).map(readFault);
  const reader = openDocumentReader();
  const folder = values.folder ?? (await mkdtemp(join(tmpdir(), 'simulated-site-')));
  try {
    const site = await openSimulatedSite({
      port: readNumber('port', values.port),
      host: values.host,
      context: values.context,
      version: values.version,
      username: values.username,
      ...(password && { password }),
      privilege: readPrivilege(values.privilege),
      federated: values.federated,
      publishMs: readNumber('publish-seconds', values['publish-seconds']) * 1000,
      publishingInstances: readNumber('instances', values.instances),
      folder,
      ...(await readTls(values['tls-key'], values['tls-cert'])),
      reader,
    });
    for (const fault of faults) site.control.fault(fault);
    const lines = [
      `Simulated site     ${site.url}`,
      `Administrator API  ${site.url}/admin`,
      `Services           ${site.url}/rest/services`,
      `Account            ${site.username}`,
      password ? 'Password           as given' : `Password           ${site.password}`,
      `Simulation         ${new URL('/simulation/state', site.url)}`,
    ];
    process.stdout.write(`${lines.join('\n')}\n`);
    await untilSignal();
    await site.close();
  } finally {
    await reader.close();
    if (values.folder === undefined) await rm(folder, { recursive: true, force: true });
  }
}

/** PEM files; both or none. */
async function readTls(key: string | undefined, cert: string | undefined) {
  if (!key && !cert) return {};
  if (!key || !cert) throw new ConfigError('--tls-key and --tls-cert belong together');
  return { tls: { key: await readFile(key, 'utf8'), cert: await readFile(cert, 'utf8') } };
}

function readNumber(name: string, text: string): number {
  const value = Number(text);
  if (text.trim() && Number.isFinite(value) && value >= 0) return value;
  throw new ConfigError(`--${name} needs a number, not "${text}"`);
}

function readPrivilege(text: string): 'ADMINISTER' | 'PUBLISH' | 'ACCESS' {
  if (text === 'ADMINISTER' || text === 'PUBLISH' || text === 'ACCESS') return text;
  throw new ConfigError(`--privilege is ADMINISTER, PUBLISH or ACCESS, not "${text}"`);
}

/** Its kind is looked at by the site itself. */
function readFault(text: string): Fault {
  try {
    return JSON.parse(text) as Fault;
  } catch (error) {
    throw new ConfigError(`--fault needs JSON such as {"kind": "busy-store"}, not ${text}`, {
      cause: error,
    });
  }
}

function untilSignal(): Promise<void> {
  return new Promise((resolve) => {
    process.once('SIGTERM', () => resolve());
    process.once('SIGINT', () => resolve());
  });
}
