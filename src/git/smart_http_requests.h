#pragma once
#include <string>
#include <string_view>

#include "base/secret.h"
#include "http/async_client.h"
#include "model/policy.h"

namespace refsyncd {

/// A GET of one of the repository's services (see service_url). Throws as authorization_of().
HttpSend request_to(const Upstream& upstream, const Secret& secret, std::string_view service);

/// A POST to git-upload-pack, which changes nothing there.
HttpSend upload_pack_request(const Upstream& upstream, const Secret& secret, std::string body);

/// For HttpSend::on_head: throws Error(not_found) when an answer of status 200 is not upload-pack's: a web
/// page, for instance.
void check_result_type(const HttpHead& head);

/// What an answer other than 200 means. The message has the status, what a server says in plain text, and for
/// a redirect where it leads.
Error error_of_status(const HttpAnswer& answer);

}  // namespace refsyncd
