"""What a voice server should not send, sent to one bot all the same."""

from __future__ import annotations

import secrets
from dataclasses import replace

import dave

from tests.discord_standin.voice.call import Call
from tests.discord_standin.voice.mls import ExternalSender
from tests.discord_standin.voice.opcodes import Op
from tests.discord_standin.voice.rtp import Header, padding
from tests.discord_standin.voice.sealing import Sealing
from tests.discord_standin.voice.sessions import VoiceSession
from tests.discord_standin.voice.tls_codec import vector

_APPEND = b"\0"


def send_garbage_proposals(call: Call, user_id: int) -> None:
    """Send an op 27 that is no MLS at all."""
    call.parties[user_id].told_bytes(Op.PROPOSALS, _APPEND + vector(b"\xff\x00garbage" * 9))


def send_forged_proposals(call: Call, user_id: int, stranger: int) -> None:
    """Propose to add a stranger, signed by somebody who may not propose."""
    _propose(call, user_id, stranger, ExternalSender())


def send_stranger(call: Call, user_id: int, stranger: int) -> None:
    """Propose, rightly signed, to add a user whom no op 11 announced.

    A member has to refuse; its commit would let a listener in whom nobody sees.
    """
    _propose(call, user_id, stranger, call.sender)


def send_broken_transition(call: Call, user_id: int) -> None:
    """Send an op 22 without the id of its transition."""
    call.parties[user_id].told(Op.EXECUTE_TRANSITION, {})


def send_unknown_transition(call: Call, user_id: int) -> None:
    """Execute a transition that was never prepared."""
    call.parties[user_id].told(Op.EXECUTE_TRANSITION, {"transition_id": 60_000})


def send_broken_commit(call: Call, user_id: int) -> None:
    """Announce a commit nobody can follow; the member has to say so and be added anew."""
    call.parties[user_id].told_bytes(Op.ANNOUNCE_COMMIT, (60_001).to_bytes(2) + b"\x00\x01nothing")


def send_stray_datagrams(session: VoiceSession) -> int:
    """Send a client what is no sound it could play, and return how many datagrams that was.

    Among them: a control packet, noise, one under its own ssrc, packets of nothing but padding,
    with too much of it or too long an extension, and one sealed with another key.
    """
    sealing = session.sealing
    assert sealing is not None
    plain = Header(sequence=1, timestamp=960, ssrc=session.ssrc + 9_000)
    padded = replace(plain, padded=True)
    extended = replace(plain, extension_words=40)
    other = Sealing(sealing.mode, secrets.token_bytes(32))
    strays = (
        bytes([0x80, 200]) + bytes(60),
        b"\x80",
        secrets.token_bytes(80),
        sealing.seal(replace(plain, ssrc=session.ssrc).pack(), b"\x78echo"),
        sealing.seal(padded.pack(), padding(16)),
        sealing.seal(padded.pack(), bytes(8) + b"\xff"),
        sealing.seal(extended.pack(), bytes(12)),
        sealing.seal(plain.pack(), b""),
        other.seal(plain.pack(), b"\x78not yours"),
    )
    for stray in strays:
        session.transmit(stray)
    return len(strays)


def _propose(call: Call, user_id: int, stranger: int, sender: ExternalSender) -> None:
    session = dave.Session()
    session.init(1, call.channel_id, str(stranger))
    package = session.get_marshalled_key_package()
    assert package is not None
    proposal = sender.add(call.channel_id, call.group.epoch, package)
    call.parties[user_id].told_bytes(Op.PROPOSALS, _APPEND + vector(proposal.message))
