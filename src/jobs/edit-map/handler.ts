import { MapEdits } from '../../documents/map-edits.ts';
import { scratch } from '../../storage/folder-storage.ts';
import { keepArtifact, removeArtifact } from '../artifact-records.ts';
import { borrowUpload, getUpload, toArtifactName } from '../document-inputs.ts';
import type { JobContext } from '../job-type.ts';
import { defineStep } from '../step.ts';
import { type EditMapParams, EditMapResult } from './schema.ts';

type Input = { params: EditMapParams; context: JobContext };

export async function editMap(params: EditMapParams, context: JobContext): Promise<EditMapResult> {
  const result = await context.step(editAndKeep, { params, context });
  for (const note of result.notes) await context.warn(note);
  return result;
}

/** Writing twice gives the same file under the same id, so a new attempt simply does it again. */
const editAndKeep = defineStep<Input, EditMapResult>({
  name: 'edit',
  title: 'Editing the document',
  share: [0, 100],
  result: EditMapResult,
  async act({ params, context }, { jobId, attempt, signal }) {
    const { storage, documents, owner } = context;
    const { document, layerFile, fileName, dryRun, ...rest } = params;
    const edits = MapEdits.parse(rest);
    const upload = await getUpload(document, context);
    const layers = layerFile && (await getUpload(layerFile, context));
    return await storage.scratch(`${scratch}/${jobId}-${attempt}.edit`, async (target) => {
      const edit = (source: string, layerPath: string | undefined) =>
        documents.editMap(
          { source, target: dryRun ? undefined : target, layerFile: layerPath, edits },
          { signal },
        );
      const { changes, notes } = await borrowUpload(upload, context, (source) =>
        layers
          ? borrowUpload(layers, context, (path) => edit(source, path))
          : edit(source, undefined),
      );
      if (dryRun) return { changes, notes };
      const name = toArtifactName(upload.name, fileName);
      const artifact = await keepArtifact(storage, { jobId, owner, name, path: target, signal });
      return { document: artifact, changes, notes };
    });
  },
  async undo({ params, context }, _result, { jobId }) {
    if (params.dryRun) return undefined;
    await removeArtifact(context.storage, jobId);
    return undefined;
  },
});
