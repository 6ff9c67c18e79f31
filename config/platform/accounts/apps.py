from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "config.platform.accounts"
    label = "accounts"

    def ready(self) -> None:
        from config.platform.accounts import second_factor, sessions, sign_ins
        from config.platform.encryption import encrypted_columns

        second_factor.listen()
        sign_ins.listen()
        sessions.listen()
        encrypted_columns.register(second_factor.sealed_secrets)
