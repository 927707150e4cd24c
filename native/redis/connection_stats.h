// Thread: crosses: the loop thread writes, any thread reads.
#pragma once

#include "metrics/counter.h"

namespace sideloop::redis {

// What a connection knows of itself, over all its reconnects.
struct ConnectionStats {
  Counter commands;   // handed to a socket
  Counter replies;    // parsed
  Counter failed;     // commands that got an error of ours instead of a reply
  Counter pushes;     // RESP3 push messages, which answer nothing
  Counter in_flight;  // handed to the socket and not answered
  Counter peak_in_flight;
  Counter waiting;  // accepted and not yet handed to a socket
  Counter bytes_sent;
  Counter bytes_received;
  Counter writes;           // write system calls asked for
  Counter reads;            // reads that brought bytes
  Counter connects;         // handshakes done
  Counter last_reply_at;    // ns of the loop's clock
  SharedHistogram latency;  // ns from the write of a command to the parsing of its reply
};

}  // namespace sideloop::redis
