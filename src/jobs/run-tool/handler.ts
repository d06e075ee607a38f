import { mkdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename } from 'node:path';
import type { ArcpyOfWorker } from '../../arcpy/arcpy-of-worker.ts';
import { GatewayError } from '../../lib/errors.ts';
import { redactDeep } from '../../lib/redact.ts';
import { endingOf, unpackData } from '../arcpy-sources.ts';
import { keepArtifact, removeArtifact } from '../artifact-records.ts';
import { inFolder } from '../definition-making.ts';
import type { JobContext } from '../job-type.ts';
import { defineStep } from '../step.ts';
import { outFolder, toToolValues } from '../tool-values.ts';
import { type RunToolParams, RunToolResult } from './schema.ts';

type Input = { params: RunToolParams; context: JobContext };

export async function runTool(params: RunToolParams, context: JobContext): Promise<RunToolResult> {
  return await context.step(runAndKeep, { params, context });
}

/** An attempt that a worker's death broke off is begun anew: what it had made lay in the folder of the job. */
const runAndKeep = defineStep<Input, RunToolResult>({
  name: 'run',
  title: 'Running the tool',
  share: [0, 100],
  result: RunToolResult,
  async act({ params, context }, { jobId, signal, progress, log }) {
    const { tool, toolbox, alias } = getAllowed(params.tool, context.arcpy);
    const onProgress = (_phase: string, message: string) =>
      void progress(0.2, message).catch(() => undefined);
    const onFreshStart = (error: GatewayError) =>
      void log.warning(`${error.message} It is tried once more.`).catch(() => undefined);
    return await context.arcpy.use({ signal, onProgress, onFreshStart }, async (session) => {
      for (const folder of [inFolder, outFolder]) {
        await mkdir(session.pathOf(folder), { mode: 0o700 });
      }
      await unpackData(session, params.data, context);
      const { outputs, messages, file } = await session.runTool({
        ...{ tool, outputs: outFolder, archive: 'outputs.zip' },
        ...(toolbox !== undefined && { toolbox }),
        ...(alias !== undefined && { alias }),
        parameters: toToolValues(params.parameters),
        extensions: params.runtime.extensions,
        overwriteOutput: params.overwriteOutput,
      });
      const told = redactDeep({ outputs, messages }) as Pick<RunToolResult, 'outputs' | 'messages'>;
      const artifact = file && {
        output: await keepArtifact(context.storage, {
          ...{ jobId, signal, owner: context.owner },
          name: toName(params.fileName, basename(file.path)),
          path: session.pathOf(file.path),
        }),
      };
      return {
        ...artifact,
        outputs: told.outputs.map((path) => path.replaceAll(session.folder, '.')),
        messages: told.messages.map((message) => ({
          ...message,
          text: message.text.replaceAll(session.folder, '.'),
        })),
        machine: hostname(),
      };
    });
  },
  async undo({ context }, _result, { jobId }) {
    await removeArtifact(context.storage, jobId);
    return undefined;
  },
});

/** The list of this worker, which may be another than when the job was accepted. */
class ToolNotAllowedError extends GatewayError {
  override readonly name = 'ToolNotAllowedError';
  readonly code = 'tool_not_allowed';
}

/** @throws ToolNotAllowedError */
function getAllowed(
  name: string,
  { tools }: ArcpyOfWorker,
): { tool: string; toolbox?: string; alias?: string } {
  if (tools.includes(name)) return { tool: name };
  for (const own of tools) {
    if (typeof own === 'string') continue;
    const tool = own.tools.find((each) => `${own.alias}.${each}` === name);
    if (tool !== undefined) return { tool, toolbox: own.toolbox, alias: own.alias };
  }
  throw new ToolNotAllowedError(`This worker may not run ${name}.`);
}

function toName(wanted: string | undefined, made: string): string {
  if (wanted === undefined) return made;
  const ending = endingOf(made);
  return wanted.toLowerCase().endsWith(ending) ? wanted : wanted + ending;
}
