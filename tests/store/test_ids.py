from sidestream.store.ids import new_id


def test_an_id_says_what_it_is() -> None:
    prefix, _, rest = new_id("thr").partition("_")
    assert prefix == "thr"
    assert len(rest) == 32
    assert set(rest) <= set("0123456789abcdef")


def test_later_ids_sort_after() -> None:
    made = [new_id("msg", iter([second]).__next__) for second in (1.0, 2.0, 1e3, 2e9)]
    assert made == sorted(made)


def test_ids_of_one_moment_differ() -> None:
    assert len({new_id("msg", lambda: 0.0) for _ in range(10_000)}) == 10_000
