"""The sources we understand. A new one is one file beside these, and one line here."""

from schemas.sources import cts_audio, cts_snapshot, cts_video, tencent_vod, zego
from schemas.sources.source import Source

SOURCES: dict[str, Source] = {
    "cts-video": cts_video.SOURCE,
    "cts-audio": cts_audio.SOURCE,
    "cts-snapshot": cts_snapshot.SOURCE,
    "tencent-vod": tencent_vod.SOURCE,
    "zego": zego.SOURCE,
}
