import { buffer } from 'node:stream/consumers';
import { fromBufferPromise } from 'yauzl';
import { z } from 'zod';

const maxContentBytes = 2 ** 20;

/** Tools stand in toolsets, the ones without a toolset in one called `<root>`. */
const ToolboxContent = z.looseObject({
  toolsets: z.record(z.string(), z.looseObject({ tools: z.array(z.string()).catch([]) })),
});

/**
 * Names of the tools of a toolbox (.atbx, a zip). Toolboxes of the old form (.tbx) are not readable.
 *
 * @throws when it is no zip, or has no list of tools
 */
export async function readTools(content: Buffer): Promise<string[]> {
  const zip = await fromBufferPromise(content, { lazyEntries: true, autoClose: false });
  try {
    for await (const entry of zip.eachEntry()) {
      if (entry.fileName !== 'toolbox.content' || entry.uncompressedSize > maxContentBytes)
        continue;
      const text = await buffer(await zip.openReadStreamPromise(entry));
      const { toolsets } = ToolboxContent.parse(JSON.parse(text.toString('utf8')));
      return Object.values(toolsets).flatMap(({ tools }) => tools);
    }
  } finally {
    zip.close();
  }
  throw new Error('The toolbox has no list of tools');
}
