// A bot on @discordjs/voice: joins a channel, says numbered frames, and tells on stdout what it hears.

import { Readable } from "node:stream";

import {
  AudioPlayerStatus,
  EndBehaviorType,
  StreamType,
  VoiceConnectionStatus,
  createAudioPlayer,
  createAudioResource,
  entersState,
  joinVoiceChannel,
} from "@discordjs/voice";
import { Client, Events, GatewayIntentBits } from "discord.js";

const PATIENCE_MS = 20_000;
const { DISCORD_TOKEN, ACORE_DISCORD__API_URL, ACORE_DISCORD__CDN_URL } = process.env;

const client = new Client({
  intents: Object.values(GatewayIntentBits).filter((bit) => typeof bit === "number"),
  rest: { api: ACORE_DISCORD__API_URL.replace(/\/v10$/, ""), cdn: ACORE_DISCORD__CDN_URL },
});
let connection;

function tell(what, more = {}) {
  process.stdout.write(`${JSON.stringify({ what, ...more })}\n`);
}

function listen(userId) {
  const stream = connection.receiver.subscribe(userId, {
    end: { behavior: EndBehaviorType.Manual },
  });
  stream.on("data", (frame) => tell("heard", { user: userId, frame: frame.toString("hex") }));
  stream.on("error", (error) => tell("deaf", { user: userId, error: error.message }));
}

const words = {
  async join(message, channelId) {
    const { guild } = message;
    connection = joinVoiceChannel({
      channelId,
      guildId: guild.id,
      adapterCreator: guild.voiceAdapterCreator,
      selfDeaf: false,
    });
    connection.on("error", (error) => tell("broken", { error: error.message }));
    connection.receiver.ssrcMap.on("create", ({ userId }) => tell("knows", { user: userId }));
    await entersState(connection, VoiceConnectionStatus.Ready, PATIENCE_MS);
    for (const id of guild.channels.cache.get(channelId).members.keys()) {
      if (id !== client.user.id) listen(id);
    }
  },

  async code() {
    tell("code", { code: connection.voicePrivacyCode ?? null });
  },

  async say(_, count) {
    const frames = Array.from({ length: Number(count) }, (_, number) =>
      Buffer.from([0x78, ...Array.from({ length: 40 }, () => number)]),
    );
    const player = createAudioPlayer();
    connection.subscribe(player);
    player.play(createAudioResource(Readable.from(frames), { inputType: StreamType.Opus }));
    await entersState(player, AudioPlayerStatus.Idle, PATIENCE_MS);
  },

  async leave() {
    connection.destroy();
  },

  async bye() {
    await client.destroy();
  },
};

client.once(Events.ClientReady, () => tell("ready", { user: client.user.username }));
client.on(Events.MessageCreate, async (message) => {
  if (message.author.bot || message.system) return;
  const [word, argument] = message.content.split(" ");
  if (Object.hasOwn(words, word)) {
    await words[word](message, argument);
    tell("did", { word });
  }
});
client.on(Events.Error, (error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exitCode = 1;
});

await client.login(DISCORD_TOKEN);
