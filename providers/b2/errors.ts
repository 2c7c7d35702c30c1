/** Refused or failed call of the B2 native API. Never holds a key, a token or a body that was sent. */
export class B2Error extends Error {
  override readonly name = "B2Error";

  constructor(
    /** Call without the `b2_`: `create_bucket`. */
    readonly call: string,
    /** HTTP status; 0 when there was no answer. */
    readonly status: number,
    /** Code of B2 (`duplicate_bucket_name`), or `no_answer`, `unexpected_answer`. */
    readonly code: string,
    message: string,
    /** Whether the call may have been carried out although it failed. */
    readonly maybeDone = false,
  ) {
    super(`b2_${call}: ${status > 0 ? `${status} ` : ""}${code}${message ? `: ${message}` : ""}`);
  }
}
