import { expect, test } from 'vitest';
import { ConfigError, DocumentError, QueueUnavailableError, RequestError } from './errors.ts';
import {
  describeProblem,
  errorCodes,
  Problem,
  problemUri,
  toProblem,
  withPublicUrl,
} from './problem.ts';

test('a failure that we foresee tells its kind, its words and its facts', () => {
  const errors = [{ pointer: '#/inputs/site', detail: 'is missing' }];
  expect(
    toProblem(new RequestError('validation_error', '1 fault in the inputs.', { errors })),
  ).toEqual({
    type: '/problems/validation-error',
    title: 'The request is not valid',
    status: 400,
    code: 'validation_error',
    detail: '1 fault in the inputs.',
    errors,
  });
  expect(toProblem(new QueueUnavailableError('away'))).toMatchObject({
    status: 503,
    code: 'queue_unavailable',
  });
  expect(toProblem(new DocumentError('archive_rejected', 'too large'))).toMatchObject({
    status: 400,
  });
});

test('facts do not change the kind of a problem', () => {
  const error = new RequestError('conflict', 'in use');
  Object.assign(error.facts, {
    status: 200,
    code: 'fine',
    type: 'x',
    title: 'x',
    detail: 'x',
    jobs: 2,
  });
  expect(toProblem(error)).toMatchObject({
    status: 409,
    code: 'conflict',
    type: '/problems/conflict',
    detail: 'in use',
    jobs: 2,
  });
});

test.for([
  new TypeError('password is hunter2'),
  new ConfigError('hunter2'),
  'hunter2',
  undefined,
  null,
])('a bug tells nothing of its insides: %s', (thrown) => {
  const problem = toProblem(thrown);
  expect(problem).toMatchObject({ status: 500, code: 'internal_error' });
  expect(JSON.stringify(problem)).not.toContain('hunter2');
});

test.for(errorCodes)('%s has a row that makes a valid problem', (code) => {
  const problem = toProblem(new RequestError(code, 'said'));
  expect(Problem.parse(problem)).toEqual(problem);
  expect(problem).toMatchObject(describeProblem(code));
  expect(problemUri(code)).toMatch(
    /^\/problems\/[a-z-]+$|^http:\/\/www\.opengis\.net\/def\/exceptions\//,
  );
});

test('kinds that OGC names keep their names everywhere; others lead to this deployment', () => {
  const root = 'https://publish.example.org';
  const ogc = 'http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0/no-such-job';
  expect(problemUri('no_such_job', root)).toBe(ogc);
  expect(problemUri('site_timeout', root)).toBe(`${root}/problems/site-timeout`);
  const problem = toProblem(new RequestError('no_such_job', ''));
  expect(withPublicUrl(problem, root)).toEqual(problem);
  expect(withPublicUrl(toProblem(new RequestError('gone', '')), root).type).toBe(
    `${root}/problems/gone`,
  );
});
