"""Texts with the larger of the token counts of SmolLM2 and Qwen 2.5."""

# ruff: noqa: E501

from __future__ import annotations

SAMPLES: dict[str, tuple[str, int]] = {
    "prose_book": (
        "It was the best of times, it was the worst of times, it was the age of wisdom, it was the age of foolishness, it was the epoch of belief, it was the epoch of incredulity, it was the season of Light, it was the season of Darkness, it was the spring of hope, it was the winter of despair, we had everything before us, we had nothing before us, we were all going direct to Heaven, we were all going direct the other way.",
        103,
    ),
    "prose_system": (
        "You are Mira, a curious lighthouse keeper who speaks warmly and plainly. You remember what people tell you and ask about it later. Keep answers short, two or three sentences, unless someone asks for more. Never speak for the user and never mention that you are a language model.",
        58,
    ),
    "rp": (
        '*She tilts her head, a sly smile playing on her lips.* "Well, well... what do we have here?" *Her tail swishes behind her.* "Didn\'t expect you back so soon, {{user}}."',
        49,
    ),
    "caps": (
        "WHAT ARE YOU DOING HERE?! I TOLD YOU TO LEAVE IMMEDIATELY!!! THIS IS UNBELIEVABLE",
        30,
    ),
    "code_js": (
        "const debounce = (fn, wait = 250) => {\n  let timer = null;\n  return (...args) => {\n    clearTimeout(timer);\n    timer = setTimeout(() => fn.apply(this, args), wait);\n  };\n};\nexport default debounce;\nif (x !== undefined && y?.z ?? 0) { console.log(`Value: ${x}`); }\n",
        98,
    ),
    "code_c": (
        '#include <stdio.h>\nint main(int argc, char **argv) {\n\tfor (size_t i = 0; i < 0xFFu; ++i) {\n\t\tprintf("%zu: %s\\n", i, argv[i]);\n\t}\n\treturn EXIT_SUCCESS;\n}\n',
        81,
    ),
    "code_sql": (
        "SELECT u.id, COUNT(*) AS n FROM users u LEFT JOIN messages m ON m.author_id = u.id WHERE u.created_at > '2024-01-01' GROUP BY u.id HAVING COUNT(*) > 10 ORDER BY n DESC LIMIT 20;",
        78,
    ),
    "code_html": (
        '<div class="card mt-4"><a href="https://example.com/path?q=1&x=2">Link</a><br/><img src="/static/img/logo@2x.png" alt="Logo"></div>',
        60,
    ),
    "code_json": (
        '{\n  "name": "search",\n  "arguments": {\n    "query": "mudcrab prices",\n    "limit": 10,\n    "exact": false,\n    "tags": [\n      "a",\n      "b"\n    ]\n  },\n  "ids": [\n    123456789,\n    987654321\n  ]\n}',
        87,
    ),
    "code_base64": (
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
        68,
    ),
    "code_hex": (
        "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        59,
    ),
    "cjk_zh": (
        "今天天气很好，我们一起去公园散步吧。你最近工作怎么样？有没有遇到什么有趣的事情？人工智能正在改变世界。",
        95,
    ),
    "cjk_ja": (
        "こんにちは、元気ですか？今日はとても良い天気ですね。カタカナとひらがなと漢字を混ぜて書きます。ありがとうございます！",
        109,
    ),
    "cjk_ko": (
        "안녕하세요, 오늘 날씨가 정말 좋네요. 우리 함께 산책하러 갈까요? 감사합니다.",
        91,
    ),
    "emoji": (
        "😀😂🥺👍🏽👨\u200d👩\u200d👧\u200d👦🎉🔥❤️✨🦀🇩🇪🏳️\u200d🌈",
        63,
    ),
    "emoji_mixed": (
        "omg 😂😂😂 that is so funny lol 🤣 see u tmrw 👋🏻 ❤️❤️",
        38,
    ),
    "kaomoji": (
        "(╯°□°)╯︵ ┻━┻  ¯\\_(ツ)_/¯ ʕ•ᴥ•ʔ (づ｡◕‿‿◕｡)づ",
        60,
    ),
    "russian": (
        "Привет! Как дела? Сегодня мы поговорим о литературе и музыке. Надеюсь, тебе понравится эта книга.",
        76,
    ),
    "german": (
        "Die Donaudampfschifffahrtsgesellschaft hat außergewöhnliche Geschwindigkeitsbegrenzungen eingeführt. Übermäßig schöne Straßen führen über größere Brücken.",
        67,
    ),
    "german2": (
        "Ich habe gestern mit meiner Freundin telefoniert, und sie hat mir erzählt, dass sie nächste Woche in den Urlaub fährt. Wir wollen uns danach treffen und einen Kaffee trinken.",
        67,
    ),
    "french": (
        "L'élève a été très étonné d'apprendre que la bibliothèque était fermée aujourd'hui, à cause des grèves.",
        47,
    ),
    "spanish": (
        "¿Cómo estás? El niño pequeño jugó mañana por la mañana en el jardín con su hermano mayor.",
        35,
    ),
    "polish": (
        "Cześć, jak się masz? Dzisiejsza pogoda jest wyjątkowo piękna, chodźmy na spacer.",
        45,
    ),
    "arabic": (
        "مرحبا كيف حالك اليوم؟ أتمنى أن تكون بخير. هذا الكتاب جميل جدا.",
        60,
    ),
    "hindi": (
        "नमस्ते, आप कैसे हैं? आज मौसम बहुत अच्छा है। मुझे हिंदी पसंद है।",
        75,
    ),
    "thai": (
        "สวัสดีครับ วันนี้อากาศดีมาก ไปเที่ยวกันไหม",
        78,
    ),
    "numbers": (
        "3.14159 1234567890 2024-11-21T11:53:23Z 192.168.1.254 +49 170 1234567 €1,299.00 50%",
        81,
    ),
    "urls": (
        "https://github.com/ollama/ollama/issues/10980?utm_source=x#issuecomment-123456 http://127.0.0.1:11434/api/chat",
        57,
    ),
}
