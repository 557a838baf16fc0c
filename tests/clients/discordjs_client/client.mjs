// A bot on discord.js that does what people ask of it, and says on stdout what it hears and did.

import {
  ActionRowBuilder,
  ApplicationCommandOptionType,
  ButtonBuilder,
  ButtonStyle,
  Client,
  EmbedBuilder,
  Events,
  GatewayIntentBits,
  MessageFlags,
  ModalBuilder,
  Partials,
  TextInputBuilder,
  TextInputStyle,
} from "discord.js";

const { DISCORD_TOKEN, ACORE_DISCORD__API_URL, ACORE_DISCORD__CDN_URL } = process.env;

const client = new Client({
  intents: Object.values(GatewayIntentBits).filter((bit) => typeof bit === "number"),
  partials: [Partials.Channel, Partials.Message, Partials.Reaction],
  rest: { api: ACORE_DISCORD__API_URL.replace(/\/v10$/, ""), cdn: ACORE_DISCORD__CDN_URL },
});

const noted = {
  [Events.MessageUpdate]: "message edited",
  [Events.MessageDelete]: "message deleted",
  [Events.MessageReactionAdd]: "reaction",
  [Events.MessageReactionRemove]: "reaction taken back",
  [Events.TypingStart]: "typing",
  [Events.PresenceUpdate]: "presence",
  [Events.GuildMemberAdd]: "member joined",
  [Events.GuildMemberUpdate]: "member changed",
  [Events.GuildMemberRemove]: "member left",
  [Events.ChannelCreate]: "channel opened",
  [Events.ChannelUpdate]: "channel changed",
  [Events.ChannelDelete]: "channel closed",
  [Events.ThreadCreate]: "thread opened",
  [Events.GuildRoleUpdate]: "role changed",
  [Events.WebhooksUpdate]: "webhooks changed",
  [Events.GuildCreate]: "guild joined",
  [Events.GuildDelete]: "guild left",
};

function tell(what, more = {}) {
  process.stdout.write(`${JSON.stringify({ what, ...more })}\n`);
}

const words = {
  async hello(message) {
    await message.channel.sendTyping();
    const answer = await message.reply("echo: hello");
    await answer.edit("echo: hello!");
    await message.react("👍");
  },

  async rich(message) {
    const button = new ButtonBuilder()
      .setCustomId("again")
      .setLabel("Again")
      .setStyle(ButtonStyle.Primary);
    const embed = new EmbedBuilder()
      .setTitle("Title")
      .setDescription("Text")
      .addFields({ name: "name", value: "value" });
    await message.channel.send({
      content: "rich",
      embeds: [embed],
      components: [new ActionRowBuilder().addComponents(button)],
      files: [{ attachment: Buffer.from("hello file"), name: "hello.txt" }],
    });
  },

  async face(message) {
    const hook = await message.channel.createWebhook({ name: "Persona" });
    const sent = await hook.send({ content: "as another", username: "Another" });
    await hook.editMessage(sent, "as another, edited");
    await hook.delete();
  },

  async thread(message) {
    const thread = await message.startThread({ name: "Aside" });
    await thread.send("in the thread");
    await thread.setArchived(true);
  },

  async direct(message) {
    await message.author.send("only you");
  },

  async history(message) {
    const messages = await message.channel.messages.fetch({ limit: 3 });
    tell("history", { texts: messages.map((each) => each.content) });
  },

  async emoji(message) {
    const file = await fetch(message.attachments.first().url);
    const image = Buffer.from(await file.arrayBuffer());
    const { emojis } = client.application;
    const emoji = await emojis.create({ attachment: image, name: "face" });
    const found = await emojis.fetch();
    tell("emojis", { names: found.map((each) => each.name) });
    await emoji.delete();
  },

  async bye() {
    await client.destroy();
  },
};

async function answer(interaction) {
  if (interaction.isAutocomplete()) {
    const typed = interaction.options.getFocused();
    await interaction.respond([{ name: `${typed}!`, value: `${typed}!` }]);
  } else if (interaction.isButton()) {
    await interaction.update({ content: "clicked", components: [] });
  } else if (interaction.isModalSubmit()) {
    await interaction.reply(`got: ${interaction.fields.getTextInputValue("why")}`);
  } else if (interaction.commandName === "form") {
    const field = new TextInputBuilder()
      .setCustomId("why")
      .setLabel("Why?")
      .setStyle(TextInputStyle.Short);
    const modal = new ModalBuilder()
      .setCustomId("form")
      .setTitle("A form")
      .addComponents(new ActionRowBuilder().addComponents(field));
    await interaction.showModal(modal);
  } else {
    await interaction.deferReply({ flags: MessageFlags.Ephemeral });
    await interaction.editReply("pong");
    await interaction.followUp({ content: "and more", flags: MessageFlags.Ephemeral });
  }
}

client.once(Events.ClientReady, async () => {
  const type = ApplicationCommandOptionType.String;
  await client.application.commands.set([
    {
      name: "ping",
      description: "Answers",
      options: [{ type, name: "text", description: "What", autocomplete: true }],
    },
    { name: "form", description: "Asks" },
  ]);
  for (const guild of client.guilds.cache.values()) {
    tell("guild", { name: guild.name, channels: guild.channels.cache.size });
  }
  tell("ready", { user: client.user.username });
});
client.on(Events.MessageCreate, async (message) => {
  if (message.author.bot || message.system) return;
  tell("message", { text: message.content });
  if (Object.hasOwn(words, message.content)) {
    await words[message.content](message);
    tell("did", { word: message.content });
  }
});
client.on(Events.InteractionCreate, answer);
client.on(Events.Error, (error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exitCode = 1;
});
for (const [event, what] of Object.entries(noted)) client.on(event, () => tell(what));

await client.login(DISCORD_TOKEN);
