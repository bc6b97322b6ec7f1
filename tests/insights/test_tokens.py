"""What stands for people and their words (C1), and the way back."""

from hypothesis import given
from hypothesis import strategies as st

from server.service.insights.tokens import Tokens, restored


def test_c1_the_same_person_has_the_same_token_and_namesakes_have_their_own():
    tokens = Tokens()
    assert tokens.of("customer", 7, "Ada") == "[customer_1]"
    assert tokens.of("customer", 8, "Ada") == "[customer_2]"
    assert tokens.of("customer", 7, "Ada") == "[customer_1]"
    assert tokens.of("reason", "rain", "rain") == "[reason_1]"
    assert tokens.meanings == {"[customer_1]": "Ada", "[customer_2]": "Ada", "[reason_1]": "rain"}


def test_c1_tokens_are_put_back_once_and_what_is_none_stays():
    meanings = {"[customer_1]": "Ada [reason_1]", "[reason_1]": "rain", "[customer_12]": "Grace"}
    text = "[customer_1] and [customer_12] said [reason_1]; [customer_3], [customer_01], customer_1"
    assert restored(text, meanings) == (
        "Ada [reason_1] and Grace said rain; [customer_3], [customer_01], customer_1"
    )


@given(st.lists(st.text(), unique=True))
def test_c1_whatever_people_write_is_behind_a_token_that_leads_back_to_it(words):
    tokens = Tokens()
    hidden = " ".join(tokens.of("reason", word, word) for word in words)
    assert hidden == " ".join(f"[reason_{number}]" for number in range(1, len(words) + 1))
    assert restored(hidden, tokens.meanings) == " ".join(words)
