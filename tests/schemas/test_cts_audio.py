"""cts-audio-callback.md."""

import pytest

from tests.schemas.bodies import NO_INPUT, NO_RENDITION, by_name, payload, read

HOST = "http://onlinemusic-1253125191.cosgz.myqcloud.com"
BUCKET = {"name": "onlinemusic", "region": "gz", "app_id": "1253125191"}


def test_a_result_tells_of_the_input_in_our_units():
    event = read("cts-audio", payload("cts-audio"))
    assert (event["type"], event["status"]) == ("transcode.completed", "succeeded")
    assert event["task_id"] == event["media_id"] == "e5fea7f66851b7176b8c89c254d0a11b1493379478"
    assert event["created_at"] == "2017-04-28T19:37:58+08:00"
    assert event["input"] == {
        **NO_INPUT,
        "url": f"{HOST}/20170428/strength.mp3",
        "path": "/20170428/strength.mp3",
        "bucket": BUCKET,
        "codec": "mp3",
        "sample_rate": 48000,
        "duration": 140,
        "bitrate": 312_000,
        "size": 5641493,
    }


@pytest.mark.parametrize(
    ("name", "bitrate", "size", "codec", "container"),
    [
        ("0_ape", None, 16889420, "ape", "ape"),
        ("0_flac", None, 16843751, "flac", "flac"),
        ("128000_mp3", 128_000, 2664306, "libmp3lame", "mp3"),
        ("24000_m4a", 24_000, 453401, "fdk_aac", "m4a"),
        ("24000_mp3", 24_000, 984842, "libmp3lame", "mp3"),
        ("48000_m4a", 48_000, 872852, "fdk_aac", "m4a"),
        ("48000_mp3", 48_000, 1264718, "libmp3lame", "mp3"),
    ],
)
def test_bitrates_of_renditions_are_bits_already_and_lossless_has_none(name, bitrate, size, codec, container):
    event = read("cts-audio", payload("cts-audio"))
    assert len(event["renditions"]) == 7
    path = f"/20170428/strength.mp3.{name}.{container}"
    assert by_name(event, "audio")[name] == {
        **NO_RENDITION,
        "id": f"{event['id']}/audio/{name}",
        "kind": "audio",
        "name": name,
        "paths": [path],
        "urls": [HOST + path],
        "bucket": BUCKET,
        "bitrate": bitrate,
        "size": size,
        "sample_rate": 44100,
        "codec": codec,
        "container": container,
    }


def test_the_definition_may_be_called_name_as_in_the_query_api():
    body = payload("cts-audio")
    entry = body["detail"]["result"]["audio"]["info"][0]
    entry["name"] = entry.pop("trans_name")
    assert "0_ape" in by_name(read("cts-audio", body), "audio")


def test_a_failure_has_the_shape_of_cts_video_s():
    event = read("cts-audio", payload("cts-video-failed"))
    assert (event["type"], event["errors"]) == (
        "transcode.failed",
        [{"code": 122, "message": "回调Gif提交接口调用失败"}],
    )
