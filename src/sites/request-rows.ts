import * as access from './access-failures.ts';
import {
  type FailureRow,
  fact,
  httpStatusOf,
  isAt,
  isForeignAnswer,
  isRefusedBy,
  redirectTargetOf,
  says,
  siteCodeOf,
} from './failure-evidence.ts';

const busyTexts =
  /Another administrative operation is currently accessing the store|being configured by another administrative operation/;
const notFoundText = 'Could not find resource or operation';
const loginTexts = /Failed to log in\. Invalid username or password specified\./;
const tlsFaults =
  /\b(?:DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_VERIFY_LEAF_SIGNATURE|UNABLE_TO_GET_ISSUER_CERT(?:_LOCALLY)?|ERR_TLS_CERT_ALTNAME_INVALID|CERT_HAS_EXPIRED|CERT_NOT_YET_VALID|CERT_UNTRUSTED)\b/;
const writeSteps = ['upload', 'configure', 'folder', 'submit', 'clean-up'];

/** What hinders every request, and what the site is like: known before anything was sent to be published. */
export const requestRows: readonly FailureRow[] = [
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
];
