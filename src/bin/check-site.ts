import { GatewayError } from '../lib/errors.ts';
import { listOutstandingSiteJobs } from '../sites/publishing.ts';
import { readLogs } from '../sites/site-logs.ts';
import {
  type AdminInfo,
  findDataStoreItems,
  readAdminInfo,
  readAllowedUploadExtensions,
  readBlockDataCopy,
  readClockSkewMs,
  readHealth,
  readPublishingTools,
  readRestInfo,
  readSiteMode,
} from '../sites/site-reader.ts';
import type { Site } from '../sites/sites.ts';
import { type Finding, fail, ok, toVerdict, type Verdict, warn } from './finding.ts';

const patienceMs = 20_000;
const clockToleranceMs = 5_000;

type Ask = { signal: AbortSignal };

/** Looks at one site as its jobs will: nothing is changed on it. */
export async function checkSite(site: Site, signal: AbortSignal): Promise<Finding[]> {
  const findings: Finding[] = [];
  async function look<T>(
    check: string,
    ask: (options: Ask) => Promise<T>,
    judge: (found: T) => Verdict,
    otherwise = (error: unknown) => toVerdict(error, site),
  ) {
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(patienceMs)]);
    const verdict = await ask({ signal: deadline }).then(judge, (error: unknown) => {
      signal.throwIfAborted();
      return otherwise(error);
    });
    findings.push({ about: `site ${site.name}`, check, ...verdict });
    return verdict.level;
  }

  findings.push({ about: `site ${site.name}`, check: 'transport', ...judgeTransport(site) });
  await look(
    'address',
    (it) => readRestInfo(site, it),
    ({ version, owningSystemUrl }) =>
      ok(
        `${site.config.url} answers: ${version ?? 'version not told'}${owningSystemUrl ? `, federated with ${owningSystemUrl}` : ', stand-alone'}`,
      ),
  );
  await look(
    'health',
    (it) => readHealth(site, it),
    ({ isHealthy, detail }) => (isHealthy ? ok('healthy') : warn(detail ?? 'not healthy')),
  );
  const login = await look(
    'administration',
    (it) => readAdminInfo(site, it),
    (info) => judgeAdmin(site, info),
  );
  if (login === 'fail') return findings;

  await look(
    'mode',
    (it) => readSiteMode(site, it),
    ({ siteMode }) =>
      siteMode === 'READ_ONLY'
        ? warn(
            'The site is read-only: jobs wait.',
            'Switch it to EDITABLE in the Administrator Directory.',
          )
        : ok(siteMode === 'UNKNOWN' ? 'not shown to this account' : siteMode),
  );
  await look(
    'publishing tools',
    (it) => readPublishingTools(site, it),
    ({ name, realTimeState, maxInstancesPerNode, machineCount }) => {
      const is = `${name} is ${realTimeState}, ${maxInstancesPerNode} at a time on each of ${machineCount} machines`;
      return realTimeState === 'STARTED'
        ? ok(is)
        : fail(is, `Start System/${name} in ArcGIS Server Manager.`);
    },
  );
  await look('clock', (it) => readClockSkewMs(site, it), judgeClock);
  await look(
    'uploads',
    (it) => readAllowedUploadExtensions(site, it),
    (extensions) =>
      extensions.includes('sd')
        ? ok('.sd files are taken')
        : fail(
            'The site does not take .sd files.',
            'Add sd to the allowed upload file extensions of the server properties.',
          ),
    notToldTo('whether .sd files are taken'),
  );
  await look(
    'data copies',
    (it) => readBlockDataCopy(site, it),
    (isBlocked) =>
      isBlocked
        ? warn(
            'Definitions that bring data along are refused (blockDataCopy).',
            'Publish with data that are registered.',
          )
        : ok('allowed'),
    notToldTo('whether data may be copied in'),
  );
  await look(
    'registered data',
    (it) => findDataStoreItems(site, it),
    (items) => ok(`${items.length} items`),
    notToldTo('what data are registered'),
  );
  await look(
    'site jobs',
    (it) => listOutstandingSiteJobs(site, it),
    (jobs) => ok(`visible, ${jobs.length} under way`),
    notToldTo(
      'its site jobs: after a lost answer it takes a minute of watching to know whether it was heard',
    ),
  );
  await look(
    'log',
    (it) => readLogs(site, { fromMs: Date.now() - 60_000, toMs: Date.now(), level: 'SEVERE' }, it),
    () => ok('readable'),
    notToldTo('its log: failures are explained without it'),
  );
  findings.push({ about: `site ${site.name}`, check: 'replacing', ...judgeReplacing(site) });
  return findings;
}

/** Lesser accounts and older releases do not show everything; publishing goes on without. */
function notToldTo(what: string): (error: unknown) => Verdict {
  return (error) => {
    if (!(error instanceof GatewayError)) throw error;
    return warn(`The site does not show our account ${what}. ${error.message}`);
  };
}

function judgeTransport({ config: { url, adminUrl = url, tls } }: Site): Verdict {
  const plain = [url, adminUrl].filter((address) => address.startsWith('http:'));
  if (plain.length > 0)
    return warn('Without TLS: passwords travel in clear.', 'Use the https address of the site.');
  if (tls.insecureSkipVerify)
    return warn(
      'Certificates are not checked (tls.insecureSkipVerify).',
      'Set tls.ca to the certificate of the authority instead.',
    );
  return ok(tls.ca ? `TLS, checked against ${tls.ca}` : 'TLS');
}

function judgeAdmin({ config }: Site, { username, privilege, version }: AdminInfo): Verdict {
  const who = `${config.adminUrl ?? config.url}/admin answers ${username ?? config.auth.username}${version ? ` (${version})` : ''}`;
  if (privilege === undefined) return warn(`${who}; its privilege is not told.`);
  if (/^(administer|publish)$/i.test(privilege)) return ok(`${who}, who may ${privilege}`);
  return fail(
    `${who}, who may only ${privilege}.`,
    'Give the account the privilege to publish: a role of type Publisher or Administrator.',
  );
}

function judgeClock(skewMs: number | undefined): Verdict {
  if (skewMs === undefined) return warn('The site does not tell its time.');
  const seconds = (Math.abs(skewMs) / 1000).toFixed(0);
  if (Math.abs(skewMs) <= clockToleranceMs) return ok('the same as here, to a few seconds');
  return warn(
    `The site's clock is ${seconds} s ${skewMs > 0 ? 'ahead of' : 'behind'} ours.`,
    'Set both by the same time server: tokens and log times depend on it.',
  );
}

function judgeReplacing({ name, config: { replaceMethod } }: Site): Verdict {
  if (replaceMethod === 'refuse') return ok('refused, as configured');
  return warn(
    `replaceMethod is ${replaceMethod}; which method an ArcGIS Server accepts is not documented.`,
    `Try it with a scratch service: pressroom doctor --site ${name} --prove-replace --definition small.sd`,
  );
}
