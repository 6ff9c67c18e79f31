from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "config.platform.accounts"
    label = "accounts"

    def ready(self) -> None:
        from config.platform.accounts import second_factor, sessions, sign_ins

        second_factor.listen()
        sign_ins.listen()
        sessions.listen()
