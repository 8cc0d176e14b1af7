// A client for the gateway in forty lines: fetch, a key, and an Idempotency-Key for everything that is sent.

import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";

/** The gateway said no. `problem` is what it answered: detail, remedy, and for a refusal rule and instant. */
export class Refused extends Error {
  constructor(problem) {
    super(`${problem.title}: ${problem.detail} ${problem.remedy}`);
    this.problem = problem;
  }
}

export class Redress {
  constructor(url, key) {
    this.url = url.replace(/\/$/, "");
    this.key = key;
  }

  /** Ask a question. */
  get(path) {
    return this.#request("GET", path);
  }

  /** Send a message once, however often that takes: a repetition has the same Idempotency-Key. */
  post(path, message, { type = "application/json", key = randomUUID() } = {}) {
    const body = type === "application/json" ? JSON.stringify(message) : message;
    return this.#request("POST", path, body, { "Content-Type": type, "Idempotency-Key": key });
  }

  /** Ask until the answer is as wanted. */
  async until(path, wanted, { tries = 100 } = {}) {
    for (let attempt = 0; attempt < tries; attempt++) {
      const answer = await this.get(path);
      if (wanted(answer)) return answer;
      await pause(200);
    }
    throw new Error(`${path} did not come to what was waited for`);
  }

  async #request(method, path, body, headers = {}, tries = 10) {
    const response = await fetch(this.url + path, {
      method,
      body,
      headers: { Authorization: `Bearer ${this.key}`, ...headers },
    });
    // Busy, too fast, or something is away: the answer says when to come again.
    if (response.headers.has("Retry-After") && tries > 0) {
      await pause(Number(response.headers.get("Retry-After")) * 1000);
      return this.#request(method, path, body, headers, tries - 1);
    }
    const answer = await response.json();
    if (!response.ok) throw new Refused(answer);
    return answer;
  }
}
