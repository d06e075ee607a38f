import { redactDeep } from '../lib/redact.ts';
import * as access from './access-failures.ts';
import { analyzerErrors, copyCodes, findingsOf } from './analyzer-findings.ts';
import * as definition from './definition-failures.ts';
import type { Explanation, FailureEvidence, Told } from './failure-evidence.ts';
import {
  fact,
  factList,
  firstErrorId,
  hasNoIdBut,
  httpStatusOf,
  isArcMap,
  isAt,
  isForeignAnswer,
  isRefusedBy,
  isSiteFrom,
  redirectTargetOf,
  says,
  siteCodeOf,
} from './failure-evidence.ts';
import { sightsOf } from './failure-words.ts';
import * as outcome from './outcome-failures.ts';
import * as publishing from './publishing-failures.ts';

export type { Explanation, FailureEvidence } from './failure-evidence.ts';

type Row = {
  row: number;
  matches: (it: FailureEvidence) => boolean;
  explain: (it: FailureEvidence) => Told;
};

const busyTexts =
  /Another administrative operation is currently accessing the store|being configured by another administrative operation/;
const notFoundText = 'Could not find resource or operation';
const loginTexts = /Failed to log in\. Invalid username or password specified\./;
const tlsFaults =
  /\b(?:DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_VERIFY_LEAF_SIGNATURE|UNABLE_TO_GET_ISSUER_CERT(?:_LOCALLY)?|ERR_TLS_CERT_ALTNAME_INVALID|CERT_HAS_EXPIRED|CERT_NOT_YET_VALID|CERT_UNTRUSTED)\b/;
const cutCodes = /\b(?:ECONNRESET|EPIPE|UND_ERR_SOCKET)\b/;
const waitingStatuses = ['esriJobNew', 'esriJobSubmitted', 'esriJobWaiting'];
const frontStatuses = [404, 413, 500, 502, 504];
const writeSteps = ['upload', 'configure', 'folder', 'submit', 'clean-up'];
const publishSteps = ['submit', 'await'];
const startingSteps = ['verify', 'start', 'edit', 'create'];

/** Several services at once: then it is the site, and its jobs are held. */
export const siteLooksIllRow = 49;

/**
 * What goes wrong on a site and what to say about it, first match wins. Rows match on ids, codes, states
 * and the literal texts that are known from documentation or real sites; the others on where it happened
 * and what was seen, never on words: sites speak the language of their installation.
 *
 * Order: what hinders every request; what was refused beforehand; the first error id of the chain, with
 * rows that know more than "could not be created" before that one; states of the site job; what the
 * service looks like; at last what only the circumstances suggest.
 */
const rows: readonly Row[] = [
  {
    row: 40,
    matches: (it) => redirectTargetOf(it) !== '',
    explain: access.redirected,
  },
  {
    row: 37,
    matches: (it) => says(it, tlsFaults) || tlsFaults.test(fact(it, 'fault')),
    explain: access.certificateNotTrusted,
  },
  {
    row: 38,
    matches: (it) => httpStatusOf(it) === 401,
    explain: access.webTierLogin,
  },
  {
    row: 7,
    matches: (it) =>
      isRefusedBy(it, 'site_login_refused') ||
      says(it, loginTexts) ||
      (says(it, 'Unable to generate token.') && says(it, 'Invalid username or password.')),
    explain: access.loginRefused,
  },
  {
    row: 23,
    matches: (it) => says(it, 'ClientID does not match'),
    explain: access.tokenBoundToAddress,
  },
  {
    row: 6,
    matches: (it) => siteCodeOf(it) === 498 || says(it, /^(?:Token Expired|Invalid token)\.?\s*$/i),
    explain: access.tokenEnded,
  },
  {
    row: 22,
    matches: (it) => siteCodeOf(it) === 499,
    explain: access.tokenNotSeen,
  },
  {
    row: 17,
    matches: (it) => isRefusedBy(it, 'site_upgrading') || says(it, 'Upgrade in progress.'),
    explain: access.siteIsUpgrading,
  },
  {
    row: 16,
    matches: (it) =>
      isRefusedBy(it, 'site_read_only') ||
      (it.siteMode === 'READ_ONLY' && isAt(it, ...writeSteps) && isRefusedBy(it, 'site_error')),
    explain: access.siteIsReadOnly,
  },
  {
    row: 47,
    matches: (it) => isAt(it, 'clean-up') && (siteCodeOf(it) === 404 || says(it, notFoundText)),
    explain: access.uploadItemGone,
  },
  {
    row: 39,
    matches: (it) =>
      isAt(it, 'check') &&
      siteCodeOf(it) === undefined &&
      ([403, 404].includes(httpStatusOf(it) ?? 0) || isForeignAnswer(it)),
    explain: access.administrationSwitchedOff,
  },
  {
    row: 3,
    matches: (it) =>
      (isRefusedBy(it, 'site_busy') && httpStatusOf(it) !== 429) || says(it, busyTexts),
    explain: access.siteIsBusy,
  },
  {
    row: 26,
    matches: (it) => ['001270', '001269'].includes(firstErrorId(it) ?? ''),
    explain: publishing.stagingFailed,
  },
  {
    row: 27,
    matches: (it) => firstErrorId(it) === '001364',
    explain: definition.definitionDamaged,
  },
  {
    row: 25,
    matches: (it) =>
      says(it, 'The machine does not have a valid license') ||
      hasOnlyFindings(it, '00147', '00144'),
    explain: publishing.licenceMissing,
  },
  {
    row: 19,
    matches: (it) =>
      hasOnlyFindings(it, '00396') || (isRefusedBy(it, 'incompatible_runtime') && !isArcMap(it)),
    explain: definition.tooNewForSite,
  },
  {
    row: 13,
    matches: (it) => firstErrorId(it) === '001272',
    explain: definition.analyzerRefused,
  },
  {
    row: 1,
    matches: (it) => firstErrorId(it) === '001487' || isRefusedBy(it, 'unregistered_data'),
    explain: publishing.dataOutOfReach,
  },
  {
    row: 4,
    matches: (it) => firstErrorId(it) === '999999',
    explain: publishing.unspecifiedError,
  },
  {
    row: 20,
    matches: (it) =>
      isRefusedBy(it, 'hosted_definition') ||
      (it.definition?.isHosted === true && siteJobFailed(it) && hasNoIdBut(it, '001369')),
    explain: definition.hostedLayer,
  },
  {
    row: 18,
    matches: (it) =>
      isArcMap(it) &&
      (isRefusedBy(it, 'incompatible_runtime') ||
        (isSiteFrom(it, '10.9.1') && (firstErrorId(it) === '001369' || startedInVain(it)))),
    explain: definition.madeWithArcMap,
  },
  {
    row: 24,
    matches: (it) =>
      it.blockDataCopy === true &&
      (it.definition?.copiedDatasets ?? []).length > 0 &&
      (isRefusedBy(it, 'copied_data_refused') || (siteJobFailed(it) && hasNoIdBut(it, '001369'))),
    explain: definition.copyingBlocked,
  },
  {
    row: 14,
    matches: (it) =>
      isRefusedBy(it, 'copied_data_refused') ||
      (hasNoIdBut(it, '002893') &&
        !siteJobFailed(it) &&
        findingsOf(it).some(({ code }) => copyCodes.includes(code))),
    explain: definition.dataWouldBeCopied,
  },
  {
    row: 48,
    matches: (it) =>
      /\W|^.{121}/s.test(definition.serviceNameOf(it)) &&
      it.liveService?.isListed !== true &&
      isAt(it, 'check', 'configure', 'folder', 'submit', 'await') &&
      (isRefusedBy(it, 'site_error', 'publishing_failed', 'validation_error') ||
        siteJobFailed(it)) &&
      hasNoIdBut(it, '001369') &&
      siteCodeOf(it) !== 403,
    explain: definition.nameNotValid,
  },
  {
    row: 50,
    matches: (it) =>
      it.replaceMethod !== undefined &&
      it.liveService?.configuredState === 'STOPPED' &&
      it.liveService.wasReplaced === false &&
      isAt(it, 'submit', 'await', 'verify') &&
      hasNoIdBut(it, '001369'),
    explain: outcome.replacementFailed,
  },
  {
    row: 51,
    matches: (it) =>
      it.hasNothingToReplace === true &&
      isAt(it, ...publishSteps) &&
      siteJobFailed(it) &&
      hasNoIdBut(it, '001369'),
    explain: definition.nothingToReplace,
  },
  {
    row: 2,
    matches: (it) => firstErrorId(it) === '001369' && !isBeyondPublisher(it),
    explain: publishing.serviceNotStarted,
  },
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
      isBeyondPublisher(it) ||
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

/** The numbers of the rows in the order in which they are tried. */
export const rowNumbers: readonly number[] = rows.map(({ row }) => row);

/**
 * One cause and one next step, or "not recognised" with the site's own words: a wrong one is worse than
 * none. Secrets are masked before anything is read.
 */
export function explainFailure(evidence: FailureEvidence): Explanation {
  const masked = redactDeep(evidence) as FailureEvidence;
  const { row, explain } = rows.find(({ matches }) => matches(masked)) ?? notRecognisedRow;
  return { row, ...explain(masked), seen: sightsOf(masked) };
}

const notRecognisedRow = { row: 0, explain: outcome.notRecognised };

/** Nothing was made, and since 10.4 an administrator would have been needed to make it. */
function isBeyondPublisher(it: FailureEvidence): boolean {
  return (
    isAt(it, ...publishSteps) &&
    isRefusedBy(it, 'site_error', 'publishing_failed') &&
    hasNoIdBut(it, '001369') &&
    it.liveService?.isListed !== true &&
    it.privilege === 'PUBLISH' &&
    access.needsMoreThanPublisher(it)
  );
}

function siteJobFailed(it: FailureEvidence): boolean {
  return it.jobStatus === 'esriJobFailed';
}

function startedInVain({ step, liveService }: FailureEvidence): boolean {
  return (
    startingSteps.includes(step) &&
    liveService?.configuredState === 'STARTED' &&
    liveService.realTimeState === 'STOPPED'
  );
}

/** Findings are the cause only if no other error of the analyzers stands beside them. */
function hasOnlyFindings(it: FailureEvidence, ...codes: string[]): boolean {
  const errors = analyzerErrors(it);
  return errors.length > 0 && errors.every(({ code }) => codes.includes(code));
}

function wasCutOff(it: FailureEvidence): boolean {
  return says(it, cutCodes) || cutCodes.test(fact(it, 'fault'));
}
