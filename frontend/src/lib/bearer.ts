/**
 * On whose behalf a request is sent, told so that it passes through CloudFront too.
 *
 * CloudFront signs what it passes on to a function's URL. Its signature takes `authorization`, so
 * the token is in a header of ours as well; and it covers the body by the hash that the sender
 * gives (AWS: "Restrict access to an AWS Lambda function URL origin").
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";

// A browser's own hashing takes another turn, in which a stream may be aborted, and wants TLS.

export function bearer(token: string, body = ""): Record<string, string> {
  const value = `Bearer ${token}`;
  return {
    authorization: value,
    "x-sidestream-authorization": value,
    "x-amz-content-sha256": bytesToHex(sha256(utf8ToBytes(body))),
  };
}
