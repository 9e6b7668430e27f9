"""cts-video-callback.md, and the rulings where it contradicts itself."""

import pytest

from tests.schemas.bodies import NO_INPUT, NO_RENDITION, RECEIVED, by_name, payload, read, refusal

HOST = "http://cts-123456.cossh.myqcloud.com"
BUCKET = {"name": "cts", "region": "sh", "app_id": "123456"}


def test_a_result_tells_who_what_and_when():
    event = read("cts-video", payload("cts-video"))
    assert {key: event[key] for key in event if key not in ("id", "renditions", "raw")} == {
        "source": "cts-video",
        "type": "transcode.completed",
        "status": "succeeded",
        "task_id": "963f1d4048dfdfad362d9b94e922d5696",
        "media_id": "963f1d4048dfdfad362d9b94e922d5696",
        "app_id": "123456",
        "input": {
            **NO_INPUT,
            "url": f"{HOST}/test/w.mp4",
            "path": "/test/w.mp4",
            "bucket": BUCKET,
            "container": "mov,mp4,m4a,3gp,3g2,mj2",
            "size": 322960391,
            "duration": 600,
            "width": 1920,
            "height": 1080,
            "bitrate": 4_205_000,
        },
        "errors": [],
        "created_at": "2016-12-23T21:11:42+08:00",
        "finished_at": None,
        "received_at": RECEIVED,
    }
    assert event["raw"] == payload("cts-video")


@pytest.mark.parametrize(
    ("kind", "name", "paths", "width", "height", "fps", "bitrate", "size", "container"),
    [
        ("gif", "0_0", ["/test/w.mp4.0_0.gif"], 1920, 1080, None, None, None, "gif"),
        ("gif", "400_200", ["/test/w.mp4.400_200.gif"], 400, 200, None, None, None, "gif"),
        ("video", "f10", ["/test/w.mp4.f10.mp4"], 480, 270, 25, 300_000, 100_000, "mp4"),
        ("video", "f20", ["/test/w.mp4.f20.mp4"], 852, 480, 25, 600_000, 100_000, "mp4"),
        ("video", "f30", ["/test/w.mp4.f30.mp4"], 1280, 720, 25, 1_200_000, 100_000, "mp4"),
        ("video", "f40", ["/test/w.mp4.f40.mp4"], 1920, 1080, 25, 2_400_000, 100_000, "mp4"),
        (
            "cover",
            "0_0",
            [f"/test/w.mp4.0_0.p{n}.png" for n in range(5)],
            1920,
            1080,
            None,
            None,
            None,
            "png",
        ),
        (
            "cover",
            "400_200",
            [f"/test/w.mp4.400_200.p{n}.png" for n in range(2)],
            400,
            200,
            *[None] * 3,
            "png",
        ),
    ],
)
def test_each_output_is_a_rendition_in_our_units(kind, name, paths, width, height, fps, bitrate, size, container):
    event = read("cts-video", payload("cts-video"))
    assert len(event["renditions"]) == 8
    assert by_name(event, kind)[name] == {
        **NO_RENDITION,
        "id": f"{event['id']}/{kind}/{name}",
        "kind": kind,
        "name": name,
        "paths": paths,
        "urls": [f"{HOST}{path}" for path in paths],
        "bucket": BUCKET,
        "width": width,
        "height": height,
        "fps": fps,
        "bitrate": bitrate,
        "size": size,
        "container": container,
    }


def test_a_start_tells_what_was_found_in_the_input():
    event = read("cts-video", payload("cts-video-basic"))
    assert (event["type"], event["status"], event["errors"], event["renditions"]) == (
        "transcode.started",
        "running",
        [],
        [],
    )
    assert event["input"] == {
        "url": "http://test-1250000000.cossh.myqcloud.com/dragons.mp4",
        "path": "/dragons.mp4",
        "bucket": {"name": "test", "region": "sh", "app_id": "1250000000"},
        "container": "mov,mp4,m4a,3gp,3g2,mj2",
        "size": 39909209,
        "duration": 31,
        "width": 3840,
        "height": 2032,
        "fps": 24,
        "bitrate": 10_260_000,
        "rotation": "horizon",
        "codec": None,
        "sample_rate": None,
        "has_video": True,
        "has_audio": True,
    }


def test_a_failed_start_is_a_failure_with_its_reason_and_no_zeros():
    event = read("cts-video", payload("cts-video-basic-failed"))
    assert (event["type"], event["status"]) == ("transcode.failed", "failed")
    assert event["errors"] == [{"code": None, "message": "AVC文件不存在或者文件内容有误，无法识别和处理"}]
    known = {key: value for key, value in event["input"].items() if value is not None}
    assert known.keys() == {"url", "path", "bucket", "has_video", "has_audio"}
    assert (known["has_video"], known["has_audio"]) == (False, False)


def test_a_failed_result_pairs_codes_with_messages():
    event = read("cts-video", payload("cts-video-failed"))
    assert (event["type"], event["status"]) == ("transcode.failed", "failed")
    assert event["errors"] == [{"code": 122, "message": "回调Gif提交接口调用失败"}]
    assert event["created_at"] == "2016-12-15T14:31:46+08:00"


@pytest.mark.parametrize(
    ("codes", "messages", "pairs"),
    [
        ([1, 2], ["a"], [(1, "a"), (2, None)]),
        ([1], ["a", "b"], [(1, "a"), (None, "b")]),
        (["122", "E_GIF"], None, [(122, None), ("E_GIF", None)]),
        (122, "a", [(122, "a")]),
        ([0], [""], [(0, None)]),
        ([], [], []),
    ],
)
def test_no_error_is_lost_when_the_lists_do_not_match(codes, messages, pairs):
    body = payload("cts-video-failed")
    body["detail"] = {"error_code": codes, "error_msg": messages}
    errors = read("cts-video", body)["errors"]
    assert [(error["code"], error["message"]) for error in errors] == pairs


def test_without_callback_type_a_detail_makes_it_a_result():
    result, basic = payload("cts-video"), payload("cts-video-basic")
    del result["callback_type"]
    basic["callback_type"] = ""
    assert read("cts-video", result)["type"] == "transcode.completed"
    assert read("cts-video", basic)["type"] == "transcode.started"


def test_objects_that_the_table_calls_arrays_may_be_arrays():
    body = payload("cts-video")
    expected = len(read("cts-video", body)["renditions"])
    body["detail"]["result"] = [body["detail"]["result"]]
    body["detail"] = [body["detail"]]
    assert len(read("cts-video", body)["renditions"]) == expected
    body["detail"] = []
    assert read("cts-video", body)["renditions"] == []


def test_a_kind_nobody_documented_is_a_rendition_of_that_kind():
    body = payload("cts-video")
    body["detail"]["result"]["hls"] = {
        "info": [{"path": "/test/w.m3u8", "name": "f20", "trans_size": 0, "bitrate": 600}]
    }
    hls = by_name(read("cts-video", body), "hls")["f20"]
    assert (hls["urls"], hls["container"], hls["size"], hls["bitrate"], hls["bucket"]) == (
        [f"{HOST}/test/w.m3u8"],
        "m3u8",
        None,
        600_000,
        BUCKET,
    )


@pytest.mark.parametrize("odd", [3, "x", None, [], {"total": 3}, {"info": 3}, {"info": [{"width": "wide"}]}])
def test_what_is_no_kind_at_all_costs_no_rendition(odd):
    body = payload("cts-video")
    body["detail"]["result"]["something"] = odd
    assert len(read("cts-video", body)["renditions"]) == 8


def test_renditions_lie_in_the_destination_bucket_and_else_in_the_source_s():
    body = payload("cts-video")
    body["detail"]["result"]["gif"]["dst"] = {"bucket_name": "out", "bucket_region": "gz", "app_id": 7}
    del body["detail"]["result"]["video"]["dst"]
    body["detail"]["result"]["cover"]["dst"] = {"bucket_name": "covers"}
    event = read("cts-video", body)
    assert by_name(event, "gif")["0_0"]["urls"] == ["http://out-7.cosgz.myqcloud.com/test/w.mp4.0_0.gif"]
    assert by_name(event, "video")["f10"]["urls"] == [f"{HOST}/test/w.mp4.f10.mp4"]
    assert by_name(event, "cover")["0_0"]["bucket"] == {"name": "covers", "region": "sh", "app_id": "123456"}


@pytest.mark.parametrize(
    ("path", "url"),
    [
        ("/a b.mp4", f"{HOST}/a%20b.mp4"),
        ("/take #2?.mp4", f"{HOST}/take%20%232%3F.mp4"),
        ("/100%.mp4", f"{HOST}/100%25.mp4"),
        ("/100%25.mp4", f"{HOST}/100%25.mp4"),
        ("/视频.mp4", f"{HOST}/视频.mp4"),
        ("no-slash.mp4", f"{HOST}/no-slash.mp4"),
    ],
)
def test_the_url_of_an_awkward_file_name_still_leads_to_the_file(path, url):
    body = payload("cts-video")
    body["detail"]["result"] = {"video": {"info": [{"name": "f10", "path": path}]}}
    rendition = read("cts-video", body)["renditions"][0]
    assert (rendition["paths"], rendition["urls"]) == ([path], [url])


def test_without_a_bucket_there_is_a_path_and_no_invented_url():
    body = payload("cts-video")
    for part in ("bucket_name", "bucket_region", "app_id"):
        body[part] = None
    body["detail"]["result"] = {"video": {"info": [{"name": "f10", "path": "/a.mp4"}]}}
    rendition = read("cts-video", body)["renditions"][0]
    assert (rendition["paths"], rendition["urls"]) == (["/a.mp4"], [])


def test_two_renditions_of_one_name_keep_ids_of_their_own():
    body = payload("cts-video")
    info = body["detail"]["result"]["video"]["info"]
    info[1]["name"] = info[2]["name"] = "f10"
    info[3]["name"] = "f10~2"
    event = read("cts-video", body)
    ids = [r["id"].removeprefix(f"{event['id']}/video/") for r in event["renditions"] if r["kind"] == "video"]
    assert ids == ["f10", "f10~2", "f10~3", "f10~2~2"]


def test_a_rendition_without_a_name_is_named_by_its_place():
    body = payload("cts-video")
    del body["detail"]["result"]["video"]["info"][1]["name"]
    assert "2" in by_name(read("cts-video", body), "video")


@pytest.mark.parametrize(
    ("field", "value", "ours", "expected"),
    [
        ("size", "39909209", "size", 39909209),
        ("size", 39909209.0, "size", 39909209),
        ("size", "", "size", None),
        ("duration", "31.5", "duration", 31.5),
        ("fps", 29.97, "fps", 29.97),
        ("bitrate", "10260", "bitrate", 10_260_000),
        ("bitrate", 10260.4, "bitrate", 10_260_400),
        ("rotation", 90, "rotation", 90),
        ("rotation", 0, "rotation", 0),
        ("rotation", "vertical", "rotation", "vertical"),
        ("HasVideoStream", "1", "has_video", True),
        ("HasVideoStream", 0, "has_video", False),
        ("HasAudioStream", None, "has_audio", None),
    ],
)
def test_numbers_may_come_as_strings_and_the_other_way_round(field, value, ours, expected):
    event = read("cts-video", {**payload("cts-video-basic"), field: value})
    assert event["input"][ours] == expected
    assert type(event["input"][ours]) is type(expected)


def test_numeric_ids_are_strings():
    event = read("cts-video", {**payload("cts-video-basic"), "vid": 42, "app_id": "12"})
    assert (event["task_id"], event["media_id"], event["app_id"]) == ("42", "42", "12")


@pytest.mark.parametrize("time", ["", None, "0000-00-00 00:00:00"])
def test_a_time_that_was_never_set_is_absent(time):
    assert read("cts-video", {**payload("cts-video-basic"), "create_time": time})["created_at"] is None


def test_a_wrong_field_is_named_by_its_path():
    body = payload("cts-video")
    body["detail"]["result"]["video"]["info"][2]["width"] = "wide"
    assert refusal("cts-video", body) == (
        "invalid",
        "detail.result.video.info.2.width: Not a valid integer",
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"vid": None}, "vid: Missing data for required field"),
        ({"vid": ""}, "vid: Missing data for required field"),
        ({"vid": ["x"]}, "vid: Not a valid string"),
        ({"status": "maybe"}, "status: Must be success or fail, not 'maybe'"),
        (
            {"callback_type": "trans_maybe"},
            "callback_type: Must be trans_basic or trans_result, not 'trans_maybe'",
        ),
        ({"size": True}, "size: Not a valid integer"),
        ({"size": 1.5}, "size: Not a valid integer"),
        ({"size": 2**63}, "size: Not a valid integer"),
        ({"size": "1_000"}, "size: Not a valid integer"),
        ({"fps": "Infinity"}, "fps: Not a valid number"),
        ({"bitrate": 2**62}, "bitrate: Not a valid number"),
        ({"HasVideoStream": 2}, "HasVideoStream: Must be 1 or 0"),
        ({"rotation": []}, "rotation: Not a valid string or number"),
        ({"create_time": "yesterday"}, "create_time: Not a valid time, as in 2017-04-28 19:37:58"),
    ],
)
def test_what_is_wrong_with_a_start_is_said(changes, message):
    assert refusal("cts-video", {**payload("cts-video-basic"), **changes}) == ("invalid", message)


def test_a_detail_that_is_no_object_is_named():
    assert refusal("cts-video", {**payload("cts-video"), "detail": "x"}) == (
        "invalid",
        "detail: Not a valid object",
    )
    assert refusal("cts-video", {**payload("cts-video"), "detail": [{}, {}]})[1] == "detail: Not a valid object"


def test_a_body_full_of_problems_makes_one_short_message():
    body = payload("cts-video")
    body["detail"]["result"]["video"]["info"] = [{"width": "x"}] * 500
    _, message = refusal("cts-video", body)
    assert message.startswith("detail.result.video.info.0.width: Not a valid integer; detail.result")
    assert message.endswith("; and 490 more")
    assert len(message) <= 1020
