import { once } from "node:events";
import type WebSocket from "ws";
import { until } from "./wait.ts";

/** A message that an editor pushes to those who look at it. */
export interface Message {
  readonly topic: string;
  readonly data: unknown;
}

/** Kept by every runtime that has started its flows, and sent to whoever subscribes. */
const STATE = "notification/runtime-state";

/** An editor's websocket, logged in, subscribed to everything, and watched from its first moment. */
export class Comms {
  readonly messages: Message[] = [];
  /** Closed at any time, by whomever. */
  isClosed = false;
  private readonly socket: WebSocket;

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on("close", () => {
      this.isClosed = true;
    });
  }

  /** Logs in with a token of the admin API. @throws when the editor refuses it. */
  static async login(socket: WebSocket, token: string): Promise<Comms> {
    const comms = new Comms(socket);
    await once(socket, "open");
    socket.send(JSON.stringify({ auth: token }));
    const [answer] = await once(socket, "message");
    const { auth } = JSON.parse(String(answer)) as { auth?: string };
    if (auth !== "ok") throw new Error(`the editor's websocket refuses the login: ${answer}`);
    socket.on("message", (data) => {
      const said = JSON.parse(String(data)) as Message[] | { auth: "fail" };
      // Anything but a list is that the login is over: the socket closes.
      if (Array.isArray(said)) comms.messages.push(...said);
    });
    socket.send(JSON.stringify({ subscribe: "#" }));
    return comms;
  }

  /** Waits for a message that was not there yet. Heartbeats come every 15 s. */
  async next(topic: string): Promise<Message> {
    const known = this.messages.length;
    const found = () => this.messages.slice(known).find((message) => message.topic === topic);
    return until(`a message on ${topic}`, found, { seconds: 40, every: 50 });
  }

  /** Sends something over this very socket and waits for the answer to it. */
  async exchange(): Promise<void> {
    const answer = this.next(STATE);
    this.subscribe(STATE);
    await answer;
  }

  /** Asks for what is kept on a topic, which a subscription to everything does not bring. */
  subscribe(topic: string): void {
    this.socket.send(JSON.stringify({ subscribe: topic }));
  }

  close(): void {
    this.socket.terminate();
  }
}
