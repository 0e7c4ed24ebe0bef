#pragma once
#include "config/reader.h"

namespace refsyncd {

/// What of `service` belongs to the hosted service: url, credential, webhook_secret, manage_upstream. Reports
/// a missing credential.
MesaConfig read_mesa(Reading& reading, const Fields& service);
/// Reports keys of `service` that go with the other kind.
void refuse_keys_of_other_kind(Reading& reading, const Fields& service, ServiceKind kind);

/// The API of the embedded service; reported when the service is another.
ApiConfig read_api(Reading& reading, const Field& field, ServiceKind kind);
/// Which webhooks are taken, and where those of the embedded service may go.
WebhookConfig read_webhooks(Reading& reading, const Field& field, ServiceKind kind);

}  // namespace refsyncd
