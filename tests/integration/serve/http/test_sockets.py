"""The socket at which a server listens."""

import socket

from memkit.serve.http.running import ListeningPlace, _socket


def test_the_parts_of_an_answer_are_sent_at_once_and_wait_for_no_acknowledgement() -> None:
    with (
        _socket(ListeningPlace(host="127.0.0.1", port=0)) as listening,
        socket.create_connection(listening.getsockname()),
        listening.accept()[0] as connection,
    ):
        assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
