/**
 * Something the user can put right. It is shown as one line without a stack trace; any other error
 * is a defect.
 */
export class Problem extends Error {}

/** Runs `action`; when the library refuses, its words become a Problem of `subject`. */
export async function explain(subject, action) {
  try {
    return await action();
  } catch (cause) {
    // Of "readIdx: name: file is truncated: got …" the user knows the file, which is the subject.
    const message = cause.message.replace(/^\w+: /, "").replace(`${subject}: `, "");
    throw new Problem(`${subject}: ${message}`, { cause });
  }
}
