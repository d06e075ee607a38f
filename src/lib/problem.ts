import { z } from 'zod';
import { type ErrorCode, GatewayError } from './errors.ts';

const problemTypes = {
  malformed_request: { status: 400, title: 'The request cannot be read' },
  validation_error: { status: 400, title: 'The request is not valid' },
  invalid_parameter: { status: 400, title: 'A parameter is not valid' },
  invalid_cursor: { status: 400, title: 'The cursor is not valid for this list' },
  destination_not_allowed: { status: 400, title: 'The address may not be called' },
  unauthenticated: { status: 401, title: 'No valid API key was sent' },
  forbidden: { status: 403, title: 'The API key does not reach this site' },
  insufficient_scope: { status: 403, title: 'The API key lacks a scope' },
  not_found: { status: 404, title: 'There is no such resource' },
  no_such_process: { status: 404, title: 'There is no such process' },
  no_such_job: { status: 404, title: 'There is no such job' },
  result_not_ready: { status: 404, title: 'The job has not ended' },
  result_not_available: { status: 404, title: 'The job ended without results' },
  method_not_allowed: { status: 405, title: 'The resource does not know this method' },
  not_acceptable: { status: 406, title: 'No acceptable media type can be sent' },
  conflict: { status: 409, title: 'The state of the resource does not allow this' },
  idempotency_in_flight: { status: 409, title: 'The first request with this key has not ended' },
  gone: { status: 410, title: 'The resource was removed' },
  payload_too_large: { status: 413, title: 'The request is too large' },
  unsupported_media_type: { status: 415, title: 'The media type is not understood here' },
  idempotency_key_reused: { status: 422, title: 'The key was used for another request' },
  archive_rejected: { status: 400, title: 'The archive breaks a safety limit' },
  unreadable_document: { status: 400, title: 'The document cannot be read' },
  edit_refused: { status: 422, title: 'The document cannot be changed so' },
  nothing_matched: { status: 422, title: 'Nothing there is what was meant' },
  internal_error: { status: 500, title: 'Pressroom has a fault' },
  queue_unavailable: { status: 503, title: 'The queue does not answer' },
  storage_exhausted: { status: 503, title: 'There is no room for the file' },
  draining: { status: 503, title: 'This process is stopping' },
  unknown_site: { status: 400, title: 'The site is not configured' },
  site_error: { status: 502, title: 'The site refused the operation' },
  site_timeout: { status: 504, title: 'The site did not answer in time' },
  site_busy: { status: 503, title: 'The site is busy with another operation' },
  site_unreachable: { status: 503, title: 'The site cannot be reached' },
  site_read_only: { status: 503, title: 'The site is read-only' },
  site_upgrading: { status: 503, title: 'The site is being upgraded' },
  site_login_refused: { status: 502, title: 'The site refused our account' },
  site_insufficient_privilege: { status: 502, title: 'Our account may not do this on the site' },
  outcome_unknown: { status: 504, title: 'What the site did cannot be found out' },
  publishing_failed: { status: 502, title: 'The site could not publish the service' },
  verification_failed: { status: 502, title: 'The service is not what was published' },
  service_exists: { status: 409, title: 'A service of this name exists' },
  incompatible_runtime: { status: 400, title: 'The definition cannot run on this site' },
  hosted_definition: { status: 400, title: 'The definition holds a hosted layer' },
  copied_data_refused: { status: 409, title: 'The definition brings data along' },
  unregistered_data: { status: 409, title: 'Data are used that the site has not registered' },
  unknown_role: { status: 409, title: 'The site has no such role' },
  services_failed: { status: 502, title: 'Not every service could be changed' },
  data_store_exists: { status: 409, title: 'Something else is registered under this name' },
  data_store_in_use: { status: 409, title: 'Services use the data store item' },
  data_store_invalid: { status: 502, title: 'The site cannot use the data store item' },
  arcpy_unavailable: { status: 503, title: 'ArcPy does not start on the worker' },
  arcpy_crashed: { status: 502, title: 'ArcPy crashed' },
  arcpy_silent: { status: 504, title: 'ArcPy did not answer' },
  arcpy_failed: { status: 502, title: 'ArcPy could not do it' },
  arcpy_refused: { status: 422, title: 'ArcPy does not take the inputs' },
  arcpy_unsupported: { status: 409, title: 'This ArcPy cannot do it' },
  arcpy_extension_missing: { status: 409, title: 'The worker lacks an extension' },
  analysis_failed: { status: 422, title: 'The analysis has findings that stop the job' },
  no_runtime: { status: 503, title: 'No worker that is live can run the job' },
  tool_not_allowed: { status: 403, title: 'The tool is not on the list of those that may run' },
  secret_missing: { status: 409, title: 'A secret has to be sent again' },
  not_restorable: { status: 409, title: 'The live service could not be put back' },
  definition_not_kept: { status: 409, title: 'The definition is not kept any more' },
  plan_changed: { status: 409, title: 'It is not as it was planned' },
  definition_mismatch: { status: 409, title: 'The definition is not that of the live service' },
  folder_not_allowed: { status: 403, title: 'The folder may not be published from' },
  source_refused: { status: 422, title: 'The source cannot be published as it is' },
  children_failed: { status: 502, title: 'Not all children were successful' },
  deadline_exceeded: { status: 504, title: 'The job did not end in time' },
  worker_died_repeatedly: { status: 500, title: 'Workers died again and again in one step' },
  unknown_step: { status: 500, title: 'The job was begun by another version' },
  dismissed: { status: 409, title: 'The job was dismissed' },
} satisfies Record<ErrorCode, { status: number; title: string }>; // a code without a row does not compile

/** Every code, for the pages at `/problems/{code}` and the OpenAPI document. */
export const errorCodes = Object.keys(problemTypes) as ErrorCode[];

export const RequestFault = z
  .object({
    detail: z.string().describe('What is wrong, and what would be right'),
    code: z.string().optional().describe('Kind of fault, stable'),
    pointer: z.string().optional().describe('JSON Pointer into the request body, as URI fragment'),
    parameter: z.string().optional().describe('Name of the path or query parameter'),
    header: z.string().optional().describe('Name of the request header'),
  })
  .meta({ id: 'RequestFault' });

/**
 * Problem details (RFC 9457). `code` says which kind, the same on every deployment; a failed job adds
 * what was tried, the site's own words, the likely cause and what to do next.
 */
export const Problem = z
  .looseObject({
    type: z.string().describe('URI of the kind of problem; it answers with an explanation'),
    title: z.string().describe('The kind of problem in a few words'),
    status: z.int().min(400).max(599).describe('HTTP status; for a failed job, of its results'),
    detail: z.string().optional().describe('What happened this time'),
    instance: z.string().optional().describe('URI of this occurrence'),
    code: z.string().describe('Kind of problem, stable across deployments'),
    requestId: z.string().optional().describe('Id of the request, as in the log'),
    errors: z.array(RequestFault).optional().describe('Each fault of the request'),
  })
  .meta({ id: 'Problem' });
export type Problem = z.output<typeof Problem>;

/** Problem kinds that OGC API - Processes names itself; all others are pages of this deployment. */
const ogcTypes: Partial<Record<ErrorCode, string>> = {
  no_such_process: 'no-such-process',
  no_such_job: 'no-such-job',
  result_not_ready: 'result-not-ready',
  result_not_available: 'result-not-available',
};

/** The URI that stands in `type`. Without `publicUrl` it is the path below a deployment's root. */
export function problemUri(code: ErrorCode, publicUrl = ''): string {
  const ogc = ogcTypes[code];
  if (ogc) return `http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0/${ogc}`;
  return `${publicUrl}/problems/${code.replaceAll('_', '-')}`;
}

export function describeProblem(code: ErrorCode): { status: number; title: string } {
  return problemTypes[code];
}

/** The one mapping of what was thrown to what callers see. A bug tells nothing of its insides. */
export function toProblem(error: unknown): Problem {
  if (!(error instanceof GatewayError)) {
    return {
      type: problemUri('internal_error'),
      ...problemTypes.internal_error,
      code: 'internal_error',
      detail: 'A fault of Pressroom itself. The log has it under the id of this request or job.',
    };
  }
  return {
    ...error.facts,
    type: problemUri(error.code),
    ...problemTypes[error.code],
    code: error.code,
    detail: error.message,
  };
}

/** Makes `type` absolute for a deployment, as RFC 9457 recommends. */
export function withPublicUrl(problem: Problem, publicUrl: string): Problem {
  return problem.type.startsWith('/') ? { ...problem, type: publicUrl + problem.type } : problem;
}
