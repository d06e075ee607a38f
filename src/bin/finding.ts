import { ConfigError, GatewayError } from '../lib/errors.ts';
import { redactSecrets } from '../lib/redact.ts';
import { explainFailure } from '../sites/failure-explainer.ts';
import { SiteFailure } from '../sites/site-errors.ts';
import type { Site } from '../sites/sites.ts';

/** One thing that the doctor looked at. */
export type Finding = {
  /** `configuration`, `redis`, `storage`, `arcpy` or `site <name>`. */
  about: string;
  check: string;
  level: 'ok' | 'warn' | 'fail';
  detail: string;
  /** What to do about it. */
  mend?: string;
};

export type Verdict = Pick<Finding, 'level' | 'detail' | 'mend'>;

export function ok(detail: string): Verdict {
  return { level: 'ok', detail };
}

export function warn(detail: string, mend?: string): Verdict {
  return { level: 'warn', detail, ...(mend !== undefined && { mend }) };
}

export function fail(detail: string, mend?: string): Verdict {
  return { level: 'fail', detail, ...(mend !== undefined && { mend }) };
}

/** What went wrong between us and a site, with the likely cause and what to do. Bugs are thrown on. */
export function toVerdict(error: unknown, site: Site): Verdict {
  if (error instanceof ConfigError) return fail(error.message);
  if (error instanceof DOMException && error.name === 'TimeoutError') {
    return fail('There was no answer in time.', 'Try the address in a browser on this machine.');
  }
  if (!(error instanceof GatewayError)) throw error;
  if (!(error instanceof SiteFailure)) return fail(error.message);
  const { siteMessages, siteCode, httpStatus } = error;
  const { row, cause, nextStep } = explainFailure({
    site: site.name,
    step: 'check',
    account: site.config.auth.username,
    error: {
      code: error.code,
      message: error.message,
      facts: error.facts,
      siteMessages,
      ...(siteCode !== undefined && { siteCode }),
      ...(httpStatus !== undefined && { httpStatus }),
    },
    messages: [],
    logLines: [],
    ...(typeof error.facts.redirectsTo === 'string' && { redirectTo: error.facts.redirectsTo }),
  });
  if (row === 0) return fail(error.message, whereToLook);
  return fail([cause, ...siteMessages.map((text) => `The site says: ${text}`)].join(' '), nextStep);
}

const whereToLook =
  'Check the address and whether this machine may reach it: name, port, firewall, proxy.';

const signs = { ok: 'ok  ', warn: 'warn', fail: 'FAIL' };

export function toText(findings: readonly Finding[]): string {
  const lines = findings.flatMap(({ about, check, level, detail, mend }) => [
    `${signs[level]}  ${about}: ${check}: ${redactSecrets(detail)}`,
    ...(mend ? [`        -> ${redactSecrets(mend)}`] : []),
  ]);
  const count = (level: Finding['level']) => findings.filter((each) => each.level === level).length;
  return [
    ...lines,
    '',
    `${count('ok')} ok, ${count('warn')} to look at, ${count('fail')} failed`,
  ].join('\n');
}
