import * as access from './access-failures.ts';
import {
  type FailureEvidence,
  type FailureRow,
  fact,
  factList,
  hasNoIdBut,
  httpStatusOf,
  isAt,
  isForeignAnswer,
  isRefusedBy,
  says,
  siteCodeOf,
  siteJobFailed,
  startedInVain,
} from './failure-evidence.ts';
import * as outcome from './outcome-failures.ts';
import * as publishing from './publishing-failures.ts';

const notFoundText = 'Could not find resource or operation';
const cutCodes = /\b(?:ECONNRESET|EPIPE|UND_ERR_SOCKET)\b/;
const waitingStatuses = ['esriJobNew', 'esriJobSubmitted', 'esriJobWaiting'];
const frontStatuses = [404, 413, 500, 502, 504];
const writeSteps = ['upload', 'configure', 'folder', 'submit', 'clean-up'];
const publishSteps = ['submit', 'await'];

/** Several services at once: then it is the site, and its jobs are held. */
export const siteLooksIllRow = 49;

/** States of the site job; what the service looks like; at last what only the circumstances suggest. */
export const circumstanceRows: readonly FailureRow[] = [
  {
    row: 8,
    matches: (it) => waitingStatuses.includes(it.jobStatus ?? '') && isAt(it, 'await'),
    explain: outcome.siteJobWaits,
  },
  {
    row: 9,
    matches: (it) =>
      it.jobStatus === 'esriJobTimedOut' ||
      (isRefusedBy(it, 'deadline_exceeded') && isAt(it, 'await')),
    explain: outcome.siteJobTimedOut,
  },
  {
    row: 46,
    matches: (it) =>
      (isAt(it, 'verify') && isRefusedBy(it, 'outcome_unknown')) ||
      (isAt(it, 'await') &&
        it.siteJobId !== undefined &&
        it.jobStatus === undefined &&
        [400, 404].includes(siteCodeOf(it) ?? 0)),
    explain: outcome.siteJobForgotten,
  },
  {
    row: 45,
    matches: (it) => {
      const allowed = factList(it, 'allowedExtensions').map((one) => one.trim().toLowerCase());
      const extension = fact(it, 'extension').toLowerCase() || 'sd';
      return isAt(it, 'upload') && allowed.length > 0 && !allowed.includes(extension);
    },
    explain: access.extensionNotAllowed,
  },
  {
    row: 10,
    matches: (it) =>
      isAt(it, 'upload') &&
      siteCodeOf(it) === undefined &&
      (httpStatusOf(it) === 413 ||
        (frontStatuses.includes(httpStatusOf(it) ?? 0) && isForeignAnswer(it)) ||
        (httpStatusOf(it) === undefined && wasCutOff(it))),
    explain: access.uploadCutOff,
  },
  {
    row: 5,
    matches: (it) =>
      isRefusedBy(it, 'service_exists') ||
      (isAt(it, ...publishSteps) &&
        siteJobFailed(it) &&
        hasNoIdBut(it) &&
        it.replaceMethod === undefined &&
        it.definition?.publishType === 'New' &&
        it.liveService?.isListed === true &&
        it.liveService.wasReplaced === false),
    explain: publishing.serviceExists,
  },
  {
    row: 15,
    matches: (it) =>
      isRefusedBy(it, 'site_insufficient_privilege') ||
      siteCodeOf(it) === 403 ||
      says(it, 'You do not have permissions') ||
      access.isBeyondPublisher(it) ||
      (isAt(it, ...publishSteps) &&
        hasNoIdBut(it) &&
        isRefusedBy(it, 'site_error', 'publishing_failed') &&
        it.privilege === 'ACCESS'),
    explain: access.privilegeMissing,
  },
  {
    row: 11,
    matches: (it) =>
      isAt(it, 'verify') &&
      it.jobStatus === 'esriJobSucceeded' &&
      it.liveService?.isListed === false,
    explain: outcome.successWithoutService,
  },
  {
    row: 12,
    matches: (it) => startedInVain(it) || says(it, /^Service \S.* not started\s*$/),
    explain: outcome.serviceDoesNotRun,
  },
  {
    row: 43,
    matches: (it) =>
      isAt(it, 'verify') &&
      it.liveService?.isListed === true &&
      it.liveService.realTimeState === 'STARTED' &&
      siteCodeOf(it) !== undefined &&
      siteCodeOf(it) !== 404,
    explain: outcome.dataUnreadable,
  },
  {
    row: 52,
    matches: (it) =>
      isAt(it, 'verify') &&
      isRefusedBy(it, 'verification_failed') &&
      Number(fact(it, 'shown')) < Number(fact(it, 'expected')),
    explain: outcome.fewerThanDefined,
  },
  {
    row: 21,
    matches: (it) =>
      siteCodeOf(it) === 404 || says(it, notFoundText) || says(it, /^Service \S.* not found\s*$/),
    explain: access.resourceNotFound,
  },
  {
    row: siteLooksIllRow,
    matches: (it) =>
      Number(fact(it, 'recentFailures')) >= 3 &&
      hasNoIdBut(it) &&
      isAt(it, ...writeSteps, ...publishSteps),
    explain: outcome.siteLooksIll,
  },
];

function wasCutOff(it: FailureEvidence): boolean {
  return says(it, cutCodes) || cutCodes.test(fact(it, 'fault'));
}
