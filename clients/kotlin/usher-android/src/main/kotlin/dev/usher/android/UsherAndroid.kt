package dev.usher.android

import android.app.Activity
import android.app.Application
import android.content.Context
import android.content.SharedPreferences
import android.net.ConnectivityManager
import android.net.Network
import android.os.Bundle
import android.os.Handler
import android.os.Looper
import dev.usher.client.PositionStorage
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.withContext
import java.io.IOException

/**
 * Connects this object to the app's activities and to the system's network, for as long as the process lives. Call it once, in
 * `Application.onCreate`. The manifest needs `INTERNET` and `ACCESS_NETWORK_STATE`.
 */
public fun ForegroundConnection.attach(application: Application) {
    application.registerActivityLifecycleCallbacks(ActivityCallbacks(this))
    val main = Handler(Looper.getMainLooper())
    val manager = application.getSystemService(Context.CONNECTIVITY_SERVICE) as ConnectivityManager
    manager.registerDefaultNetworkCallback(
        object : ConnectivityManager.NetworkCallback() {
            override fun onAvailable(network: Network) {
                main.post { onNetworkAvailable() }
            }
        },
    )
}

private class ActivityCallbacks(private val connection: ForegroundConnection) : Application.ActivityLifecycleCallbacks {
    override fun onActivityStarted(activity: Activity) = connection.onActivityStarted()
    override fun onActivityStopped(activity: Activity) = connection.onActivityStopped()
    override fun onActivityCreated(activity: Activity, savedInstanceState: Bundle?) = Unit
    override fun onActivityResumed(activity: Activity) = Unit
    override fun onActivityPaused(activity: Activity) = Unit
    override fun onActivitySaveInstanceState(activity: Activity, outState: Bundle) = Unit
    override fun onActivityDestroyed(activity: Activity) = Unit
}

/** Stores positions in a preferences file of its own. Exclude it from backups: a restored position belongs to another installation. */
public class PreferencesPositionStorage(context: Context) : PositionStorage {
    private val preferences: SharedPreferences = context.getSharedPreferences("usher", Context.MODE_PRIVATE)

    override suspend fun get(name: String): String? = withContext(Dispatchers.IO) { preferences.getString(name, null) }

    override suspend fun set(name: String, value: String): Unit = withContext(Dispatchers.IO) {
        // `apply` would return before anything is on the disk, and the acknowledgement would be too early.
        if (!preferences.edit().putString(name, value).commit()) throw IOException("the preferences were not written")
    }
}
