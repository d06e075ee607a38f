import { defineJobType } from '../job-type.ts';
import { echo } from './handler.ts';
import { EchoParams, EchoResult } from './schema.ts';

export const echoJob = defineJobType({
  name: 'echo',
  title: 'Echo',
  summary: 'Give the inputs back: for conformance tests and for trying a client out',
  params: EchoParams,
  result: EchoResult,
  example: { echo: 'teststring' },
  queue: 'here',
  steps: [],
  scopes: () => [],
  runAtOnce: echo,
  handler: echo,
});
